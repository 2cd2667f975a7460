import type { CallControl } from './call-control.ts';
import { SignallingFailure } from './errors.ts';
import type { ConnectedClient } from './session-route.ts';
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
import type { RelayDesk } from './relay-desk.ts';
import type { SessionFinder } from './session-finder.ts';
import type { SessionHost } from './session-host.ts';
import { handleJoined } from './session-requests.ts';
import type { ChannelClient } from './session-channel.ts';
import type { Sessions } from './sessions.ts';

export type HandoverTargetOptions = {
  bus: MessageBus;
  calls: CallControl;
  sessions: Sessions;
  finder: SessionFinder;
  host: SessionHost;
  desk: RelayDesk;
  /** A client whose connection happens to be on this pod is served here directly from now on. */
  takeHome: (clientId: string, sessionId: string) => ConnectedClient | undefined;
  log: Log;
};

/** A call that stands by and is not taken over in this time was forgotten by a pod that died. */
const FORGOTTEN_MS = 30_000;

/** Takes sessions over from pods that close: stands by with media for the client first, and leads at their word. */
export class HandoverTarget {
  readonly #options: HandoverTargetOptions;
  /** Sessions for which a call stands by here. */
  readonly #standing = new Map<string, NodeJS.Timeout>();

  constructor(options: HandoverTargetOptions) {
    this.#options = options;
    const { bus, calls } = options;
    bus.handle('handover.prepare', (payload, _from, signal) => this.#prepare(payload as HandoverPrepare, signal));
    bus.handle('handover.request', (payload) => this.#request(payload as HandoverRequest));
    bus.handle('handover.ready', async (payload, _from, signal) => {
      await calls.standsBy(this.#known((payload as { id: string }).id), signal);
      return {};
    });
    bus.handle('handover.commit', (payload) => this.#commit(payload as HandoverCommit));
    bus.handle('handover.late', (payload) => this.#late(payload as HandoverLate));
    bus.subscribe('handover.cancel', (payload) => void this.#cancel((payload as { id: string }).id));
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await Promise.all([...this.#standing.keys()].map((id) => this.#cancel(id)));
  }

  async #prepare({ record, request, restored }: HandoverPrepare, signal: AbortSignal): Promise<HandoverPrepared> {
    const { sessions, calls } = this.#options;
    const { id } = record;
    if (sessions.holds(id)) throw new SignallingFailure('server_busy');
    await this.#cancel(id);
    sessions.reserve(id);
    try {
      const media = await calls.standBy(record, request, restored, signal);
      this.#standing.set(id, setTimeout(() => void this.#cancel(id), FORGOTTEN_MS).unref());
      return { media };
    } catch (error) {
      sessions.unreserve(id);
      throw error;
    }
  }

  #request({ id, parsed }: HandoverRequest): Promise<object> {
    const { calls, sessions } = this.#options;
    return handleJoined(calls, sessions, this.#known(id), parsed);
  }

  async #commit(commit: HandoverCommit): Promise<HandoverCommitted> {
    const { finder, calls, sessions, host, log } = this.#options;
    const { id, fromEpoch, restored } = commit;
    this.#known(id);
    const claimed = await finder.claimHere({ id, fromEpoch, cause: 'handover' });
    if (claimed === undefined) throw new SignallingFailure('session_not_found');
    clearTimeout(this.#standing.get(id));
    this.#standing.delete(id);
    const channel = host.adopt(id, claimed.epoch, this.#clientOf(commit), commit.joinRequest);
    channel.withoutMicrophone = commit.withoutMicrophone;
    const { position } = channel;
    calls.takeOver(id, restored);
    log.info({ sessionId: id }, 'took a session over from a pod that closes');
    // What is left to do does not concern the caller, who is waiting to hear the agent go on.
    host.record(id, 'that its client is here', async () => {
      await sessions.attach(id);
      await sessions.rejoined(id);
      for (const entry of restored.transcript) await sessions.append(id, entry);
      if (restored.continuation) await sessions.keepContinuation(id, restored.continuation);
    });
    return { position };
  }

  /** The session may have gone on to another pod, which would have to be told in its turn; what is unknown there stays so. */
  async #late({ id, epoch, continuation }: HandoverLate): Promise<object> {
    const { calls, sessions } = this.#options;
    const record = sessions.holds(id) ? await sessions.get(id) : undefined;
    if (record?.epoch !== epoch) throw new SignallingFailure('session_not_found');
    calls.takeOver(id, { transcript: [], continuation });
    return {};
  }

  #clientOf({ id, client }: HandoverCommit): ChannelClient {
    const { desk, takeHome, bus } = this.#options;
    const own = client.podId === bus.podId ? takeHome(client.id, id) : undefined;
    return own ?? desk.add(id, client.id, client.podId);
  }

  async #cancel(id: string): Promise<void> {
    const timer = this.#standing.get(id);
    if (timer === undefined) return;
    clearTimeout(timer);
    this.#standing.delete(id);
    const { sessions, calls } = this.#options;
    // Its client came before the other pod's word, and found that pod gone: the call is this pod's own by now.
    if (sessions.holds(id)) return;
    sessions.unreserve(id);
    await calls.end(id);
  }

  #known(id: string): string {
    if (!this.#standing.has(id)) throw new SignallingFailure('session_not_found');
    return id;
  }
}
