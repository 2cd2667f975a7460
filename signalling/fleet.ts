import { randomUUID } from 'node:crypto';
import type { CallControl } from './call-control.ts';
import { isAbsenceCertain } from './certain-absence.ts';
import { PodUnreachable, RemoteRefusal, SignallingFailure, StoreUnavailable, toFailure } from './errors.ts';
import type { HeldSessions } from './held-sessions.ts';
import type { Log } from './log.ts';
import type { MessageBus } from './message-bus.ts';
import { choosePod } from './placement.ts';
import type { Pod, Pods } from './pods.ts';
import type { EndReason, TranscriptEntry } from './protocol.ts';
import type { ClaimRequest, LeadAnswer, LeadQuestion, SessionFinder } from './session-finder.ts';
import type { PageRequest, SessionPage } from './session-store.ts';
import type { NewSession, SessionChanges, SessionRecord } from './session.ts';
import type { Sessions } from './sessions.ts';
import type { WaitingRoom } from './waiting-room.ts';

export type FleetOptions = {
  sessions: Sessions;
  store: HeldSessions;
  finder: SessionFinder;
  waitingRoom: WaitingRoom;
  bus: MessageBus;
  pods: Pods;
  calls: Pick<CallControl, 'mediaState'>;
  log: Log;
  nowMs: () => number;
  random?: () => number;
};

type OpenRequest = { id: string; request: NewSession };
type AmendRequest = { id: string; changes: SessionChanges };
type EndRequest = { id: string; reason: EndReason };

/** A pod that cannot open a session in this time is not the one to talk to. */
const OPEN_MS = 1_000;
const CHANGE_MS = 1_500;
/** How a pod says that it does not lead a session, or leads it no longer. */
const LOST: ReadonlySet<string> = new Set(['session_not_found', 'stale_epoch']);
/** How long a session without a client may be led by two pods, neither of which speaks to anybody in it. */
const CONFIRM_MS = 5_000;

/**
 * All sessions of all pods, for whoever does not care where they are: opens them where there is room, and has changes made
 * by the pod that leads the session.
 */
export class Fleet {
  readonly #options: FleetOptions;
  /** Sessions opened on a pod since it was last heard of: its next sign of life counts them itself. */
  readonly #opened = new Map<string, { heardAt: number; count: number }>();

  #confirmAtMs = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    const { bus, sessions, finder } = options;
    bus.handle('session.open', async (payload) => {
      const { id, request } = payload as OpenRequest;
      return sessions.open(request, id);
    });
    bus.handle('session.amend', async (payload) => {
      const { id, changes } = payload as AmendRequest;
      return sessions.amend(this.#held(id), changes);
    });
    bus.handle('session.end', async (payload) => {
      const { id, reason } = payload as EndRequest;
      return sessions.end(this.#held(id), reason);
    });
    bus.handle('session.get', async (payload) => sessions.get(this.#held((payload as { id: string }).id)));
    bus.handle('session.transcript', async (payload) =>
      sessions.transcript(this.#held((payload as { id: string }).id)),
    );
    bus.handle('session.lead', async (payload, _from, signal) => this.#whoLeads(payload as LeadQuestion, signal));
    bus.handle('session.claim', async (payload) => {
      const claimed = await finder.claimHere(payload as ClaimRequest);
      if (claimed === undefined) throw new SignallingFailure('server_busy');
      return { epoch: claimed.epoch };
    });
  }

  /**
   * Opens a session where there is room, or puts it into the queue.
   * @throws {SignallingFailure} `server_busy` when all places are taken and the queue is full
   */
  async open(request: NewSession): Promise<SessionRecord> {
    const record = (await this.#place(request)) ?? (await this.#enqueue(request));
    const { id, ownerPod: podId, state } = record;
    this.#options.bus.publish('session.created', { id, podId, state });
    return record;
  }

  /** @throws {SignallingFailure} `session_not_found`; `server_busy` where that cannot be known now */
  async get(id: string): Promise<SessionRecord> {
    return (await this.#read(id, 'session.get', (store) => store.get(id))) as SessionRecord;
  }

  /** @throws {SignallingFailure} as `get` does */
  async transcript(id: string): Promise<TranscriptEntry[]> {
    const { store, sessions } = this.#options;
    if (sessions.holds(id)) return sessions.transcript(id);
    return (await this.#read(id, 'session.transcript', async () => {
      const known = await store.get(id);
      return known && store.transcript(id);
    })) as TranscriptEntry[];
  }

  async list(page: PageRequest): Promise<SessionPage> {
    return this.#options.store.list(page);
  }

  /** @throws {SignallingFailure} `session_not_found`, `session_ended`, `server_busy` */
  async amend(id: string, changes: SessionChanges): Promise<SessionRecord> {
    const { sessions } = this.#options;
    const request: AmendRequest = { id, changes };
    return this.#change(id, 'session.amend', request, () => sessions.amend(id, changes));
  }

  /**
   * Ends a session, wherever it is led; one that nobody leads any more is taken over for that.
   * @throws {SignallingFailure} `session_not_found`, `server_busy`
   */
  async end(id: string, reason: EndReason): Promise<void> {
    const { sessions, store, finder } = this.#options;
    const record = sessions.holds(id) ? undefined : await this.get(id);
    if (record?.state === 'ended') return;
    if (record?.state === 'queued') {
      await store.leaveQueue(id);
      await finder.claimToEnd(record, reason);
      return;
    }
    const request: EndRequest = { id, reason };
    await this.#change(id, 'session.end', request, () => sessions.end(id, reason));
  }

  /** Ends what nobody leads and whose time is over, beside what this pod leads. */
  async sweep(): Promise<void> {
    const { sessions, store, finder, pods, log } = this.#options;
    await this.#confirm();
    const alive = new Set(pods.list().map(({ id }) => id));
    for (const record of await sessions.sweep()) {
      // Its owner is there and ends it itself.
      if (alive.has(record.ownerPod)) continue;
      try {
        if (record.state === 'queued') await store.leaveQueue(record.id);
        await finder.claimToEnd(record, 'expired');
      } catch (error) {
        log.warn({ sessionId: record.id, err: error }, 'a session whose time is over could not be ended now');
      }
    }
  }

  /** Without a client nothing is written, and only a write that is refused tells that another pod leads the session now. */
  async #confirm(): Promise<void> {
    const { sessions, store, nowMs } = this.#options;
    if (nowMs() < this.#confirmAtMs) return;
    this.#confirmAtMs = nowMs() + CONFIRM_MS;
    for (const id of store.heldIds.filter((held) => !sessions.attends(held))) {
      const record = await store.get(id);
      if (record === undefined || record.state === 'ended') continue;
      // What is refused is dropped by whoever holds it; there is nobody to tell.
      await store.renew(id, record.epoch, record.expiresAt).catch(() => undefined);
    }
  }

  /** The place with the least load, of all pods; undefined when there is none. */
  async #place(request: NewSession): Promise<SessionRecord | undefined> {
    const { pods, sessions, nowMs, random = Math.random } = this.#options;
    let candidates = pods.list().map((pod) => ({ ...pod, calls: pod.calls + this.#openedOn(pod) }));
    for (;;) {
      const pod = choosePod(candidates, nowMs(), random);
      if (pod === undefined) break;
      if (pod.id !== sessions.podId) this.#noteOpened(pod);
      const record = await this.#openOn(pod.id, request);
      if (record !== undefined) return record;
      candidates = candidates.filter((candidate) => candidate.id !== pod.id);
    }
    // The list may be older than the last place that was freed here.
    return sessions.hasRoom ? this.#openOn(sessions.podId, request) : undefined;
  }

  #openedOn({ id, heardAt }: Pod): number {
    const opened = this.#opened.get(id);
    return opened?.heardAt === heardAt ? opened.count : 0;
  }

  #noteOpened(pod: Pod): void {
    this.#opened.set(pod.id, { heardAt: pod.heardAt, count: this.#openedOn(pod) + 1 });
  }

  /** @returns undefined where it has not been opened, or the pod does not say so in time; each try is a session of its own */
  async #openOn(podId: string, request: NewSession): Promise<SessionRecord | undefined> {
    const { sessions, bus } = this.#options;
    const id = randomUUID();
    const order: OpenRequest = { id, request };
    try {
      if (podId === sessions.podId) return await sessions.open(request, id);
      return (await bus.request(podId, 'session.open', order, { timeoutMs: OPEN_MS })) as SessionRecord;
    } catch (error) {
      // It may have been opened all the same. Nobody has a token for it, and its place is free again in a minute.
      if (error instanceof PodUnreachable || error instanceof RemoteRefusal) return undefined;
      if (toFailure(error).code === 'server_busy') return undefined;
      throw error;
    }
  }

  async #enqueue(request: NewSession): Promise<SessionRecord> {
    const { sessions, waitingRoom, pods } = this.#options;
    // Nobody is left who would ever take it.
    if (pods.list().every(({ draining }) => draining)) throw new SignallingFailure('server_busy');
    const record = sessions.queuedRecord(request);
    await waitingRoom.enter(record);
    return record;
  }

  /** From here, from the store, or from the pod that has it while the store does not. */
  async #read(id: string, name: string, fromStore: (store: HeldSessions) => Promise<unknown>): Promise<unknown> {
    const { store, bus, pods, nowMs } = this.#options;
    let away = false;
    const found = await fromStore(store).catch((error: unknown) => {
      if (!(error instanceof StoreUnavailable)) throw error;
      away = true;
      return undefined;
    });
    if (found !== undefined) return found;
    const [first] = await bus.ask(name, { id }, { timeoutMs: CHANGE_MS });
    if (first !== undefined) return first.answer;
    const certain = !away && isAbsenceCertain(bus, pods, nowMs());
    throw new SignallingFailure(certain ? 'session_not_found' : 'server_busy');
  }

  /** Has the pod that leads the session change it. */
  async #change(id: string, name: string, request: object, here: () => Promise<SessionRecord>): Promise<SessionRecord> {
    const { sessions, finder, bus } = this.#options;
    if (sessions.holds(id)) return here();
    const record = await this.get(id);
    try {
      return (await bus.request(record.ownerPod, name, request, { timeoutMs: CHANGE_MS })) as SessionRecord;
    } catch (error) {
      const lost = error instanceof PodUnreachable && error.reason !== 'cut_off';
      const denied = error instanceof RemoteRefusal && LOST.has(error.code);
      if (!lost && !denied) throw error;
      const whereabouts = await finder.find(id, 'change', AbortSignal.timeout(CHANGE_MS), 0);
      if (whereabouts.kind === 'here') return here();
      if (whereabouts.kind === 'queued') throw new SignallingFailure('server_busy');
      return (await bus.request(whereabouts.podId, name, request, { timeoutMs: CHANGE_MS })) as SessionRecord;
    }
  }

  async #whoLeads({ id, look }: LeadQuestion, signal: AbortSignal): Promise<LeadAnswer> {
    const { sessions, calls } = this.#options;
    if (!sessions.holds(id)) throw new SignallingFailure('session_not_found');
    const { epoch } = await sessions.get(id);
    return { leads: true, epoch, media: look ? await calls.mediaState(id, signal) : 'flowing' };
  }

  #held(id: string): string {
    if (!this.#options.sessions.holds(id)) throw new SignallingFailure('session_not_found');
    return id;
  }
}
