/** A call whose agent reads aloud without an end, so that whatever disturbs it is heard. */
import type { Fleet } from './fleet.ts';
import { ScriptedCaller } from './scripted-caller.ts';

/** About two minutes of speech, as long as one request may be. */
const TEXT = Array.from({ length: 36 }, (_, index) => `Line ${index + 1} of a text that goes on for a while.`).join(
  ' ',
);

/** A text takes about two minutes. */
const LONG_MS = 300_000;

export type ReadingCallOptions = {
  /** Where its client connects: to the pod that leads it, to another one, or to whichever the balancer chooses. */
  connectTo: 'owner' | 'another' | 'balancer';
};

export class ReadingCall {
  readonly id: string;
  /** The pod that led it at first. */
  readonly podId: string;
  readonly caller: ScriptedCaller;

  private constructor({ id, pod }: { id: string; pod: string }, caller: ScriptedCaller) {
    this.id = id;
    this.podId = pod;
    this.caller = caller;
  }

  /** Resolves when the agent's voice is heard. */
  static async begin(fleet: Fleet, { connectTo }: ReadingCallOptions): Promise<ReadingCall> {
    const session = await fleet.open({ overrides: { greeting: '' } });
    const { url } = connectTo === 'balancer' ? fleet : podFor(fleet, session.pod, connectTo);
    const { token } = session;
    const caller = new ScriptedCaller({ url, token, bindAddress: fleet.network.outside.address });
    const call = new ReadingCall(session, caller);
    await caller.whenConnected();
    const startedMs = performance.now();
    // Ends with its caller, or where a request fails, and then there is nothing more to be heard.
    call.#readOn().catch(() => undefined);
    await caller.event('agent-state', { state: 'speaking' }, startedMs, 30_000);
    return call;
  }

  /** What of a call that nothing happened to is the same later. */
  get course(): { epoch: number; joins: number; links: number; moves: number; ended: string | undefined } {
    const { epoch, joins, links, events, ended } = this.caller;
    const moves = events.filter(({ name }) => name === 'move').length;
    return { epoch, joins: joins.length, links: links.length, moves, ended };
  }

  /** The final lines that the caller was told of. */
  get told(): { turnId: string; role: string }[] {
    return this.caller.events
      .filter(({ name, data }) => name === 'transcript' && data['final'] === true)
      .map(({ data }) => ({ turnId: String(data['turnId']), role: String(data['role']) }));
  }

  /**
   * The longest time from one packet of the agent to the next, its voice or not, beyond what their timestamps say: in
   * a pause of its own the agent sends nothing for a while, and says so.
   */
  longestDelayMs(fromMs: number, toMs: number): number {
    const packets = this.caller.heard.packets.filter(({ atMs, played }) => played && atMs >= fromMs && atMs < toMs);
    const delays = packets.slice(1).map((packet, index) => {
      const former = packets[index]!;
      return packet.atMs - former.atMs - ((packet.timestamp - former.timestamp) | 0) / 48;
    });
    return Math.max(toMs - (packets.at(-1)?.atMs ?? fromMs), ...delays);
  }

  async #readOn(): Promise<void> {
    for (;;) {
      const askedMs = performance.now();
      await this.caller.request('say', { text: TEXT });
      const speaking = await this.caller.event('agent-state', { state: 'speaking' }, askedMs, LONG_MS);
      await this.caller.event('agent-state', { state: 'listening' }, speaking.atMs, LONG_MS);
    }
  }
}

function podFor({ pods }: Fleet, owner: string, connectTo: 'owner' | 'another'): { url: string } {
  return pods.find(({ id }) => (id === owner) === (connectTo === 'owner'))!;
}
