import { EventEmitter } from 'node:events';
import { StaleEpoch, StoreUnavailable } from './errors.ts';
import type { Log } from './log.ts';
import type { MemorySessionStore } from './memory-session-store.ts';
import type { SessionState, TranscriptEntry } from './protocol.ts';
import type {
  Claim,
  ClaimAnswer,
  Continuation,
  PageRequest,
  SessionPage,
  SessionStore,
  StoredSession,
  Waiting,
} from './session-store.ts';
import type { SessionRecord } from './session.ts';
import { lacksMore, SessionWriter } from './session-writer.ts';

export type HeldSessionsOptions = {
  /** What this pod leads: always at hand, and all there is if there is no shared store. */
  local: MemorySessionStore;
  /** The store of all pods. */
  shared?: SessionStore;
  log: Log;
};

export type HeldSessionsEvents = {
  /** Another pod leads this session now: this one must stop everything it does for it at once. */
  lost: [id: string];
  /** The last state here of a session that another pod leads now, which may lack some of it. */
  left: [session: StoredSession];
};

/** Sessions written concurrently when the shared store is back: more would delay what calls write meanwhile. */
const PARALLEL_PUTS = 16;

/**
 * The sessions that this pod leads are kept in its memory and written through to the shared store; all others are read from
 * the shared store. While the store is away, this pod reads and changes its own sessions in memory, and writes each as a
 * whole, under its epoch, when the store is back. A write that is refused because of its epoch means that another pod leads it.
 */
export class HeldSessions extends EventEmitter<HeldSessionsEvents> implements SessionStore {
  readonly #local: MemorySessionStore;
  readonly #shared: SessionStore | undefined;
  readonly #log: Log;
  readonly #writers = new Map<string, SessionWriter>();
  #flushing: Promise<void> | undefined;

  constructor({ local, shared, log }: HeldSessionsOptions) {
    super();
    this.#local = local;
    this.#shared = shared;
    this.#log = log;
  }

  /** Whether this pod leads it, or led it until it ended. */
  holds(id: string): boolean {
    return this.#writers.has(id);
  }

  get heldIds(): string[] {
    return [...this.#writers.keys()];
  }

  /** Sessions that the shared store does not have completely. */
  get unsaved(): number {
    return [...this.#writers.values()].filter(({ unsaved }) => unsaved).length;
  }

  /** Marks everything held to be written anew: the shared store may have lost it. */
  markUnsaved(): void {
    for (const writer of this.#writers.values()) writer.unsaved = true;
  }

  /** Writes what the shared store lacks. Never rejects; what fails stays for the next time. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => (this.#flushing = undefined));
    return this.#flushing;
  }

  async create(record: SessionRecord, waiting?: Waiting): Promise<void> {
    const { id } = record;
    await this.#local.create(record, waiting);
    this.#hold(id);
    await this.#write(id, async (shared) => {
      await shared.create(record, waiting).catch(async (error: unknown) => {
        // The caller is told that there is none, so it must not be found here either.
        if (!(error instanceof StoreUnavailable)) await this.release(id);
        throw error;
      });
      return true;
    });
  }

  /** A session that nobody leads yet. */
  async createQueued(record: SessionRecord): Promise<void> {
    await this.#common.create(record);
  }

  async get(id: string, waiting?: Waiting): Promise<SessionRecord | undefined> {
    const held = await this.#local.get(id, waiting);
    if (held === undefined) return this.#shared?.get(id, waiting);
    return this.#writers.get(id)?.unsaved ? { ...held, unsaved: true } : held;
  }

  async load(id: string, waiting?: Waiting): Promise<StoredSession | undefined> {
    return this.holds(id) ? this.#local.load(id, waiting) : this.#shared?.load(id, waiting);
  }

  async update(
    id: string,
    epoch: number,
    change: (record: SessionRecord) => SessionRecord,
    waiting?: Waiting,
  ): Promise<SessionRecord | undefined> {
    if (!this.holds(id)) return this.#shared?.update(id, epoch, change, waiting);
    const before = await this.#local.get(id);
    const record = await this.#local.update(id, epoch, change, waiting);
    if (record === undefined || record === before) return record;
    await this.#write(id, async (shared) => (await shared.update(id, epoch, () => record)) !== undefined);
    return record;
  }

  async append(id: string, epoch: number, entry: TranscriptEntry, waiting?: Waiting): Promise<boolean> {
    if (!this.holds(id)) return (await this.#shared?.append(id, epoch, entry, waiting)) ?? false;
    const added = await this.#local.append(id, epoch, entry, waiting);
    if (!added) return false;
    // An answer of "not added" may mean that it is there already, or that the whole session is missing.
    const write = async (shared: SessionStore) =>
      (await shared.append(id, epoch, entry)) || (await shared.get(id)) !== undefined;
    await this.#write(id, write);
    return true;
  }

  async transcript(id: string, waiting?: Waiting): Promise<TranscriptEntry[]> {
    return this.holds(id) ? this.#local.transcript(id, waiting) : ((await this.#shared?.transcript(id, waiting)) ?? []);
  }

  /** If several come while one is being written, only the last of them is written. */
  async keepContinuation(id: string, epoch: number, continuation: Continuation): Promise<boolean> {
    const writer = this.#writers.get(id);
    if (writer === undefined) return false;
    await this.#local.keepContinuation(id, epoch, continuation);
    const written =
      writer.continuation?.written ??
      this.#write(id, async (shared) => {
        const latest = writer.continuation;
        writer.continuation = undefined;
        return latest === undefined || shared.keepContinuation(id, latest.epoch, latest.continuation);
      });
    // Without a shared store, nothing would remove it again, and nothing asks for it.
    if (this.#shared) writer.continuation = { epoch, continuation, written };
    await written;
    return true;
  }

  async renew(id: string, epoch: number, expiresAt: number, waiting?: Waiting): Promise<void> {
    await this.update(id, epoch, (record) => (record.state === 'ended' ? record : { ...record, expiresAt }), waiting);
  }

  /** Takes over what another pod hands over, after the shared store has granted it. */
  async put(session: StoredSession): Promise<void> {
    const { id } = session.record;
    await this.#local.put(session);
    this.#hold(id);
    await this.#write(id, async (shared) => shared.put(session).then(() => true));
  }

  async claim(id: string, claim: Claim, waiting?: Waiting): Promise<ClaimAnswer> {
    const answer = await this.#common.claim(id, claim, waiting);
    if (answer.outcome !== 'claimed') return answer;
    if (this.#shared !== undefined) await this.#local.put(answer.session);
    this.#hold(id);
    return answer;
  }

  // The queue belongs to all pods.
  readonly enqueue: SessionStore['enqueue'] = (id, limit, waiting) => this.#common.enqueue(id, limit, waiting);
  readonly dequeue: SessionStore['dequeue'] = (waiting) => this.#common.dequeue(waiting);
  readonly putBack: SessionStore['putBack'] = (id, waiting) => this.#common.putBack(id, waiting);
  readonly leaveQueue: SessionStore['leaveQueue'] = (id, waiting) => this.#common.leaveQueue(id, waiting);
  readonly queue: SessionStore['queue'] = (waiting) => this.#common.queue(waiting);

  /** Of all pods; while the shared store is away, of this one. */
  async list(page: PageRequest, waiting?: Waiting): Promise<SessionPage> {
    try {
      return await this.#common.list(page, waiting);
    } catch (error) {
      if (error instanceof StoreUnavailable) return this.#local.list(page, waiting);
      throw error;
    }
  }

  /** Sessions of this pod. */
  async counts(waiting?: Waiting): Promise<Record<SessionState, number>> {
    return this.#local.counts(waiting);
  }

  /** Those that this pod leads, and, as far as the others can be read, those that nobody may (`Fleet.sweep`). */
  async sweep(nowMs: number): Promise<SessionRecord[]> {
    const due = await this.#local.sweep(nowMs);
    for (const id of this.#writers.keys()) if ((await this.#local.get(id)) === undefined) this.#writers.delete(id);
    if (this.#shared === undefined) return due;
    try {
      const abandoned = await this.#shared.sweep(nowMs);
      return [...due, ...abandoned.filter(({ id }) => !this.holds(id))];
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) this.#log.error({ err: error }, 'sessions in Redis could not be swept');
      return due;
    }
  }

  /** Silently lets go of a session that another pod leads now. Idempotent. */
  async release(id: string): Promise<void> {
    const left = this.holds(id) ? await this.#local.load(id) : undefined;
    this.#writers.delete(id);
    await this.#local.forget(id);
    if (left) this.emit('left', left);
  }

  async close(): Promise<void> {
    this.removeAllListeners();
    await this.#shared?.close();
    await this.#local.close();
  }

  get #common(): SessionStore {
    return this.#shared ?? this.#local;
  }

  #hold(id: string): void {
    this.#writers.set(id, new SessionWriter(id, this.#log));
  }

  /**
   * Writes through. Resolves once written, or once it is clear that it cannot be written now: memory has it.
   * @param write resolves to false if the shared store does not know the session; then, and if the store has lost what was
   *   written since this pod claimed it, all of it is written
   */
  async #write(id: string, write: (shared: SessionStore) => Promise<boolean>): Promise<void> {
    const writer = this.#writers.get(id);
    const shared = this.#shared;
    if (writer === undefined || shared === undefined) return;
    await writer.inOrder(async () => {
      // Lost since it was changed here: nobody may think that the change was saved.
      if (this.#writers.get(id) !== writer) throw new StaleEpoch(id);
      // It will be written with all the rest; later writes do not wait for it.
      if (writer.unsaved) return void (writer.continuation = undefined);
      await this.#guard(id, writer, async () => {
        if (!(await write(shared).catch(lacksMore))) await this.#putAll(id, shared);
      });
    });
  }

  /**
   * Whatever cannot be written stays in memory and is written later: a call goes on, and ends, without the store.
   * @throws {StaleEpoch}
   */
  async #guard(id: string, writer: SessionWriter, write: () => Promise<void>): Promise<void> {
    try {
      await write();
      writer.written();
    } catch (error) {
      if (this.#writers.get(id) !== writer) throw error;
      if (!(error instanceof StaleEpoch)) {
        writer.notWritten(error);
        return;
      }
      this.#log.warn({ sessionId: id }, 'another pod leads this session now');
      await this.release(id);
      this.emit('lost', id);
      throw error;
    }
  }

  async #putAll(id: string, shared: SessionStore): Promise<void> {
    const session = await this.#local.load(id);
    if (session !== undefined) await shared.put(session);
  }

  async #flush(): Promise<void> {
    const next = [...this.#writers].filter(([, { unsaved }]) => unsaved).values();
    const work = async () => {
      for (const [id, writer] of next) await this.#save(id, writer);
    };
    await Promise.all(Array.from({ length: PARALLEL_PUTS }, work));
  }

  async #save(id: string, writer: SessionWriter): Promise<void> {
    const shared = this.#shared;
    const saved = writer.inOrder(async () => {
      if (shared === undefined || !writer.unsaved || this.#writers.get(id) !== writer) return;
      // Before reading: whatever changes from here on is written by itself, after this.
      writer.unsaved = false;
      await this.#guard(id, writer, () => this.#putAll(id, shared));
    });
    // It was lost, and that has been reported.
    await saved.catch(() => undefined);
  }
}
