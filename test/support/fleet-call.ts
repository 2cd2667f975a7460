/** A call in a fleet of real servers, with a scripted caller: who leads it, what was said in it, and what was heard of it. */
import type { TranscriptEntry } from '../../signalling/protocol.ts';
import type { Fleet } from './fleet.ts';
import type { Pod } from './pod.ts';
import { ScriptedCaller } from './scripted-caller.ts';

export type FleetCallOptions = {
  /** Where the caller's socket ends: on the pod that leads the session, or on another one, which relays. */
  socketOn: 'owner' | 'another';
  /** The pod that is to lead it. Default: whichever does. */
  ledBy?: Pod;
  /** What the session is opened with. */
  session?: object;
};

/** The balancer puts one caller in three on the pod that has the session's place. */
const MOST_ATTEMPTS = 40;

export class FleetCall {
  readonly fleet: Fleet;
  readonly id: string;
  readonly caller: ScriptedCaller;

  private constructor(fleet: Fleet, id: string, caller: ScriptedCaller) {
    this.fleet = fleet;
    this.id = id;
    this.caller = caller;
  }

  /** Opens sessions until one is led, and its caller's socket is, where they are wanted. Resolves when media stands. */
  static async open(fleet: Fleet, { socketOn, ledBy, session = {} }: FleetCallOptions): Promise<FleetCall> {
    // Through the balancer goes the socket alone, so that its turns do not fall into step with these.
    const { url } = fleet.pods.find(({ process }) => process.running)!;
    /** They keep their places until the end, so that the next ones go elsewhere. */
    const unwanted: string[] = [];
    const forget = async (id: string) => fleet.request('DELETE', `/v2/sessions/${id}`, undefined, url);
    try {
      for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        const opened = await fleet.open(session, url);
        if (ledBy !== undefined && opened.pod !== ledBy.id) {
          unwanted.push(opened.id);
          continue;
        }
        const call = await FleetCall.#join(fleet, opened);
        if ((call.socketPodId === opened.pod) === (socketOn === 'owner')) {
          await call.caller.whenConnected();
          return call;
        }
        call.caller.close();
        await forget(opened.id);
      }
    } finally {
      await Promise.all(unwanted.map(forget));
    }
    throw new Error(`no caller's socket came to ${socketOn} in ${MOST_ATTEMPTS} attempts`);
  }

  static async #join(fleet: Fleet, { id, token }: { id: string; token: string }): Promise<FleetCall> {
    const caller = new ScriptedCaller({ url: fleet.url, token, bindAddress: fleet.network.outside.address });
    await caller.until(() => caller.joins.length > 0, 'an answer to join');
    return new FleetCall(fleet, id, caller);
  }

  /** The pod at which the caller's connection ends. */
  get socketPodId(): string | undefined {
    return this.caller.signalling.connections.at(-1)?.pod;
  }

  /** The pod that leads the session, as the fleet knows. */
  async owner(): Promise<Pod> {
    const { pod } = await this.#ask<{ pod: string }>('');
    return this.podOf(pod);
  }

  podOf(podId: string): Pod {
    const found = this.fleet.pods.find(({ id }) => id === podId);
    if (!found) throw new Error(`${podId} is no pod of this fleet`);
    return found;
  }

  /** The lines that are kept. */
  async transcript(): Promise<TranscriptEntry[]> {
    return (await this.#ask<{ entries: TranscriptEntry[] }>('/transcript')).entries;
  }

  /** The final lines that the caller was told of: what was acknowledged. */
  get told(): TranscriptEntry[] {
    return this.caller.events
      .filter(({ name, data }) => name === 'transcript' && data['final'] === true)
      .map(({ data }) => data as unknown as TranscriptEntry);
  }

  /** Until the agent has greeted and listens. */
  async greeted(): Promise<void> {
    const speaking = await this.caller.event('agent-state', { state: 'speaking' });
    await this.caller.event('agent-state', { state: 'listening' }, speaking.atMs);
  }

  /** Has the agent read a text aloud. @returns the turn, once its first packet is here */
  async haveRead(text: string): Promise<string> {
    const askedMs = performance.now();
    const { turnId } = await this.caller.request('say', { text });
    await this.caller.event('agent-state', { state: 'speaking', turnId }, askedMs);
    return turnId;
  }

  /** Until the agent says nothing, at the latest heard of, and then or later. */
  async listens(afterMs = 0, timeoutMs = 30_000): Promise<void> {
    const state = () => this.caller.events.findLast(({ name }) => name === 'agent-state');
    const silent = () => state()?.data['state'] === 'listening' && state()!.atMs > afterMs;
    await this.caller.until(silent, 'an agent that listens', timeoutMs);
  }

  /** What the agent had come to say by the last word of this owner. */
  textBefore(epoch: number): string {
    const said = this.caller.events.filter(({ name, data }) => name === 'transcript' && data['role'] === 'agent');
    const last = said.findLast((event) => event.epoch === epoch) as { data: { text?: string } } | undefined;
    return last?.data.text ?? '';
  }

  /** Of the pod that took the session over. */
  async whenLedAgain(formerEpoch: number, timeoutMs = 15_000): Promise<void> {
    await this.caller.until(() => this.caller.epoch > formerEpoch && this.caller.connected, 'a new owner', timeoutMs);
  }

  /** Ends the session and the caller. Whoever cannot be reached ends by itself. */
  async end(): Promise<void> {
    this.caller.close();
    await this.fleet.request('DELETE', `/v2/sessions/${this.id}`).catch(() => undefined);
  }

  async #ask<Answer>(path: string): Promise<Answer> {
    const { status, body } = await this.fleet.request('GET', `/v2/sessions/${this.id}${path}`);
    if (status !== 200) throw new Error(`session ${this.id}${path}: ${status} ${JSON.stringify(body)}`);
    return body as Answer;
  }
}
