import { setTimeout as pause } from 'node:timers/promises';
import type { CallControl } from './call-control.ts';
import { PodUnreachable, toFailure } from './errors.ts';
import type { ParsedRequest } from './gateway-message.ts';
import type {
  HandoverCommit,
  HandoverCommitted,
  HandoverLate,
  HandoverPrepare,
  HandoverPrepared,
  HandoverRequest,
} from './handover-messages.ts';
import type { Log } from './log.ts';
import type { MessageBus } from './message-bus.ts';
import { choosePod } from './placement.ts';
import type { Pods } from './pods.ts';
import type { Request } from './protocol.ts';
import type { ChannelClient, SessionChannel } from './session-channel.ts';
import type { ClaimRequest, LeadAnswer } from './session-finder.ts';
import type { SessionHost } from './session-host.ts';
import type { Continuation } from './session-store.ts';
import type { Sessions } from './sessions.ts';

export type HandoverSourceOptions = {
  bus: MessageBus;
  calls: CallControl;
  sessions: Sessions;
  host: SessionHost;
  pods: Pods;
  /** How others reach this client: its name, and the pod with its connection. */
  addressOf: (client: ChannelClient) => { id: string; podId: string } | undefined;
  /** `client` is spoken to by `podId` from now on. */
  relayTo: (client: ChannelClient, podId: string, committed: HandoverCommitted) => void;
  /** Told of every session that went to another pod. */
  onMoved?: (outcome: 'moved' | 'failed') => void;
  log: Log;
  nowMs: () => number;
  random?: () => number;
};

const PREPARE_MS = 5_000;
/** ICE and DTLS on both transports, through a client that may be slow. */
const READY_MS = 10_000;
const COMMIT_MS = 2_000;
/**
 * Waiting longer for a pause would not make it likelier, and the pod is to close. Between both at random: calls that were
 * prepared together would otherwise all change over in the same moment, and wait for each other in silence.
 */
const QUIET_WITHIN_MS = { least: 2_000, most: 5_000 };
/** The client lets go of what it had here when it hears the other pod; until then closing it would look like a loss. */
const LINGER_MS = 1_000;
/** As long as a tool usually takes, and not so long that the process ends much later. */
const TOOLS_LINGER_MS = 5_000;

/** Whom a session went to, and under which epoch it is led there. */
type Successor = { podId: string; epoch: number };

/** Hands the sessions of this pod to others without a break in what their clients hear. */
export class HandoverSource {
  readonly #options: HandoverSourceOptions;
  readonly #lingering = new Set<Promise<void>>();
  /** Of sessions whose call has stopped here and is still there; pending until the other pod leads. */
  readonly #successors = new Map<string, Promise<Successor>>();

  constructor(options: HandoverSourceOptions) {
    this.#options = options;
  }

  /**
   * Moves one session to a pod with room. It stays here, and goes on, where that fails.
   * @param prepareInTurn runs the costly part, so that not all sessions of a pod are prepared at once
   * @returns whether it is led elsewhere now, or has ended
   */
  async move(
    id: string,
    signal: AbortSignal,
    prepareInTurn: <Result>(task: () => Promise<Result>) => Promise<Result>,
  ): Promise<boolean> {
    const { bus, sessions, host, pods, log, nowMs, random = Math.random, onMoved } = this.#options;
    if (!sessions.holds(id)) return true;
    const others = pods.list().filter((pod) => pod.id !== sessions.podId);
    const target = choosePod(others, nowMs(), random);
    if (target === undefined) return false;
    const channel = host.find(id);
    const client = channel?.current;
    try {
      if (channel && client?.joined && channel.joinRequest) {
        const move = { channel, client, request: channel.joinRequest, podId: target.id };
        await this.#moveLive(move, signal, prepareInTurn);
      } else await this.#moveIdle(id, target.id);
      onMoved?.('moved');
      bus.publish('session.moved', { id, from: sessions.podId, podId: target.id });
      return true;
    } catch (error) {
      onMoved?.('failed');
      const { code } = toFailure(error);
      if (code === 'session_ended' || code === 'session_not_found') return !sessions.holds(id);
      log.warn({ sessionId: id, to: target.id, err: error }, 'a session could not be moved');
      return false;
    }
  }

  /** Requests of the client about the transports that it was given on the other pod. */
  async toStandby(podId: string, id: string, parsed: ParsedRequest): Promise<object> {
    if (parsed.name === 'join') return {};
    const request: HandoverRequest = { id, parsed };
    return (await this.#options.bus.request(podId, 'handover.request', request, { timeoutMs: COMMIT_MS })) as object;
  }

  /**
   * A call that has stopped here still tells something: a tool has ended. The pod that goes on is told, once it leads.
   * @returns whether it was, or undefined where the session stays here
   */
  toSuccessor(id: string, continuation: Continuation): Promise<boolean> | undefined {
    const tell = async ({ podId, epoch }: Successor) => {
      const late: HandoverLate = { id, epoch, continuation };
      await this.#options.bus.request(podId, 'handover.late', late, { timeoutMs: COMMIT_MS });
      return true;
    };
    // Unknown to the other pod, it may have been done or not: that is what its model is told.
    return this.#successors
      .get(id)
      ?.then(tell)
      .catch(() => false);
  }

  /** Resolves when the media of all that was handed over is closed. */
  async settled(): Promise<void> {
    await Promise.all(this.#lingering);
  }

  /** Nobody is connected: the other pod takes it over as it is. */
  async #moveIdle(id: string, podId: string): Promise<void> {
    const { sessions, bus } = this.#options;
    const { epoch, state } = await sessions.get(id);
    if (state === 'ended') return sessions.release(id);
    const request: ClaimRequest = { id, fromEpoch: epoch, cause: 'handover' };
    await bus.request(podId, 'session.claim', request, { timeoutMs: COMMIT_MS });
    await this.#letGo(id);
  }

  async #moveLive(
    move: { channel: SessionChannel; client: ChannelClient; request: Request<'join'>; podId: string },
    signal: AbortSignal,
    prepareInTurn: <Result>(task: () => Promise<Result>) => Promise<Result>,
  ): Promise<void> {
    const { channel, podId } = move;
    const id = channel.sessionId;
    const { bus, calls } = this.#options;
    let stopped = false;
    try {
      await prepareInTurn(() => this.#prepare(move, signal));
      const { continuation, toolsRun } = await calls.handOver(id, this.#quietWithinMs(), signal);
      stopped = true;
      const committing = this.#commit(move, continuation);
      this.#successors.set(id, committing);
      await committing;
      await this.#letGo(id, toolsRun ? TOOLS_LINGER_MS : LINGER_MS);
    } catch (error) {
      this.#successors.delete(id);
      channel.standby = undefined;
      if (await this.#leads(podId, id, error)) {
        await this.#letGo(id);
        return;
      }
      if (stopped) calls.resume(id);
      bus.tell(podId, 'handover.cancel', { id });
      throw error;
    }
  }

  #quietWithinMs(): number {
    const { random = Math.random } = this.#options;
    const { least, most } = QUIET_WITHIN_MS;
    return Math.round(least + (most - least) * random());
  }

  async #prepare(
    { channel, request, podId }: { channel: SessionChannel; request: Request<'join'>; podId: string },
    signal: AbortSignal,
  ): Promise<void> {
    const { bus, sessions, host } = this.#options;
    const id = channel.sessionId;
    const { record, transcript, continuation } = await sessions.load(id);
    const { rtpCapabilities, playback } = request;
    const order: HandoverPrepare = {
      record,
      request: { rtpCapabilities, playback, microphone: !channel.withoutMicrophone },
      restored: { transcript, ...(continuation && { continuation }) },
    };
    const { media } = (await bus.request(podId, 'handover.prepare', order, {
      timeoutMs: PREPARE_MS,
      signal,
    })) as HandoverPrepared;
    channel.standby = { podId, transportIds: [media.send.id, media.receive.id] };
    host.tell(id, { name: 'move', data: { reason: 'drain', media, pod: podId } });
    await bus.request(podId, 'handover.ready', { id }, { timeoutMs: READY_MS, signal });
  }

  async #commit(
    {
      channel,
      client,
      request,
      podId,
    }: {
      channel: SessionChannel;
      client: ChannelClient;
      request: Request<'join'>;
      podId: string;
    },
    continuation: HandoverCommit['restored']['continuation'],
  ): Promise<Successor> {
    const { bus, sessions, host, addressOf, relayTo } = this.#options;
    const id = channel.sessionId;
    // Lines that the end of this pod's part has brought are on their way into the record.
    await channel.enqueueAlways(async () => {});
    const { record, transcript } = await sessions.load(id);
    const address = addressOf(client);
    if (address === undefined || channel.current !== client) throw new PodUnreachable(podId, 'timeout');
    const commit: HandoverCommit = {
      id,
      fromEpoch: record.epoch,
      restored: { transcript, ...(continuation && { continuation }) },
      client: address,
      joinRequest: request,
      withoutMicrophone: channel.withoutMicrophone,
    };
    const committed = (await bus.request(podId, 'handover.commit', commit, {
      timeoutMs: COMMIT_MS,
    })) as HandoverCommitted;
    host.release(id);
    relayTo(client, podId, committed);
    return { podId, epoch: committed.position.epoch };
  }

  /** The answer to the last word may have been lost: does the other one lead it? */
  async #leads(podId: string, id: string, error: unknown): Promise<boolean> {
    if (!(error instanceof PodUnreachable) || error.reason !== 'timeout') return false;
    const question = { id, look: false };
    const answer = (await this.#options.bus
      .request(podId, 'session.lead', question, { timeoutMs: COMMIT_MS })
      .catch(() => undefined)) as LeadAnswer | undefined;
    return answer?.leads ?? false;
  }

  async #letGo(id: string, lingerMs = LINGER_MS): Promise<void> {
    const { sessions, calls, host, log } = this.#options;
    host.release(id)?.drop();
    await sessions.release(id);
    const lingering = pause(lingerMs)
      .then(() => this.#successors.delete(id))
      .then(() => calls.end(id))
      .catch((error: unknown) => log.error({ sessionId: id, err: error }, 'a call that was handed over did not close'));
    this.#lingering.add(lingering);
    void lingering.finally(() => this.#lingering.delete(lingering));
  }
}
