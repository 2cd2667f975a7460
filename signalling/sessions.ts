import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { InvalidTransition, SignallingFailure, StoreFull } from './errors.ts';
import type { Places } from './places.ts';
import type { EndReason, SessionState, TranscriptEntry } from './protocol.ts';
import type { Continuation, PageRequest, SessionPage, SessionStore } from './session-store.ts';
import { transition } from './session.ts';
import type { SessionRecord, SessionTransition } from './session.ts';

export type SessionsOptions = {
  store: SessionStore;
  places: Places;
  /** Name of this pod; it owns what it opens. */
  podId: string;
  /** How long a session lives without a connected client, in ms. */
  timeoutMs: number;
  nowMs: () => number;
};

export type SessionsEvents = {
  /** Once for each session, however it ended. */
  ended: [record: SessionRecord];
};

/** What the maker of a session says of it. */
export type NewSession = Pick<SessionRecord, 'agent' | 'campaign' | 'variables' | 'overrides' | 'metadata'>;

/** What may be changed later. */
export type SessionChanges = Partial<Pick<SessionRecord, 'variables' | 'metadata'>>;

/** The sessions of this pod: opens them, moves them from state to state, and ends those whose time is over. */
export class Sessions extends EventEmitter<SessionsEvents> {
  readonly podId: string;
  readonly #store: SessionStore;
  readonly #places: Places;
  readonly #timeoutMs: number;
  readonly #nowMs: () => number;
  /** Sessions with a connected client → when to put their end off again. */
  readonly #attended = new Map<string, number>();
  #refusing = false;

  constructor({ store, places, podId, timeoutMs, nowMs }: SessionsOptions) {
    super();
    this.podId = podId;
    this.#store = store;
    this.#places = places;
    this.#timeoutMs = timeoutMs;
    this.#nowMs = nowMs;
  }

  get capacity(): number {
    return this.#places.capacity;
  }

  /** Places taken or reserved. */
  get occupied(): number {
    return this.#places.occupied(this.#nowMs());
  }

  /** From now on nothing new is opened: this pod is about to close. */
  refuseNew(): void {
    this.#refusing = true;
  }

  /** @throws {SignallingFailure} `server_busy` when every place is taken, or the pod is closing. */
  async open(request: NewSession): Promise<SessionRecord> {
    const nowMs = this.#nowMs();
    const id = randomUUID();
    if (this.#refusing || !this.#places.reserve(id, nowMs)) throw new SignallingFailure('server_busy');
    const queued: SessionRecord = {
      ...request,
      id,
      state: 'queued',
      ownerPod: this.podId,
      epoch: nowMs,
      version: 1,
      createdAt: nowMs,
      updatedAt: nowMs,
      expiresAt: nowMs + this.#timeoutMs,
    };
    const record = transition(queued, { type: 'placed' }, nowMs);
    try {
      await this.#store.create(record);
    } catch (error) {
      this.#places.free(id);
      if (error instanceof StoreFull) throw new SignallingFailure('server_busy', undefined, { cause: error });
      throw error;
    }
    return record;
  }

  /** @throws {SignallingFailure} `session_not_found`. */
  async get(id: string): Promise<SessionRecord> {
    const record = await this.#store.get(id);
    if (record === undefined) throw new SignallingFailure('session_not_found');
    return record;
  }

  async list(page: PageRequest): Promise<SessionPage> {
    return this.#store.list(page);
  }

  async counts(): Promise<Record<SessionState, number>> {
    return this.#store.counts();
  }

  async transcript(id: string): Promise<TranscriptEntry[]> {
    return this.#store.transcript(id);
  }

  /** @throws {SignallingFailure} `session_not_found`, `session_ended`. */
  async amend(id: string, changes: SessionChanges): Promise<SessionRecord> {
    return this.#change(id, (record) => {
      if (record.state === 'ended') throw new SignallingFailure('session_ended');
      return { ...record, ...changes, updatedAt: this.#nowMs() };
    });
  }

  /**
   * A client wants to join: takes its place.
   * @throws {SignallingFailure} `session_not_found`, `session_ended`, `server_busy`.
   */
  async attach(id: string): Promise<SessionRecord> {
    const record = await this.get(id);
    if (record.state === 'ended') throw new SignallingFailure('session_ended');
    const nowMs = this.#nowMs();
    if (!this.#places.take(id, nowMs)) throw new SignallingFailure('server_busy');
    await this.#store.renew(id, record.epoch, nowMs + this.#timeoutMs);
    this.#attended.set(id, nowMs + this.#timeoutMs / 2);
    return record;
  }

  /** The client has joined: a session that was interrupted goes on. */
  async rejoined(id: string): Promise<SessionRecord> {
    return this.#apply(id, { type: 'rejoined' });
  }

  /** The client's connection is gone, or its join failed. Its place waits for a while. */
  async detach(id: string): Promise<void> {
    if (!this.#attended.delete(id)) return;
    this.#places.reserve(id, this.#nowMs());
    await this.#apply(id, { type: 'gone' });
  }

  /** The caller's media began to arrive, or stopped. */
  async flowing(id: string, flowing: boolean): Promise<void> {
    await this.#apply(id, { type: flowing ? 'flowing' : 'gone' });
  }

  /** Adds a final line of the conversation. A line that comes again changes nothing. */
  async append(id: string, entry: TranscriptEntry): Promise<void> {
    const record = await this.get(id);
    await this.#store.append(id, record.epoch, entry);
  }

  /** Keeps how the conversation stands, for a pod that has to go on with it. */
  async keepContinuation(id: string, continuation: Continuation): Promise<void> {
    const { epoch } = await this.get(id);
    await this.#store.keepContinuation(id, epoch, continuation);
  }

  /**
   * Ends a session. Once it has ended, another end changes nothing and is no error.
   * @throws {SignallingFailure} `session_not_found`.
   */
  async end(id: string, reason: EndReason): Promise<SessionRecord> {
    let ending = false;
    const nowMs = this.#nowMs();
    const record = await this.#change(id, (before) => {
      ending = before.state !== 'ended';
      return transition(before, { type: 'end', reason }, nowMs);
    });
    this.#attended.delete(id);
    this.#places.free(id);
    if (ending) this.emit('ended', record);
    return record;
  }

  /** Puts off the end of sessions that are attended, and ends those whose time is over. Called every second or so. */
  async sweep(): Promise<void> {
    const nowMs = this.#nowMs();
    for (const [id, renewAtMs] of this.#attended) {
      if (renewAtMs > nowMs) continue;
      this.#attended.set(id, nowMs + this.#timeoutMs / 2);
      const record = await this.#store.get(id);
      if (record !== undefined) await this.#store.renew(id, record.epoch, nowMs + this.#timeoutMs);
    }
    for (const record of await this.#store.sweep(nowMs)) await this.end(record.id, 'expired');
  }

  async #apply(id: string, event: SessionTransition): Promise<SessionRecord> {
    const nowMs = this.#nowMs();
    try {
      return await this.#change(id, (record) => transition(record, event, nowMs));
    } catch (error) {
      if (error instanceof InvalidTransition && error.state === 'ended') {
        throw new SignallingFailure('session_ended', undefined, { cause: error });
      }
      throw error;
    }
  }

  async #change(id: string, change: (record: SessionRecord) => SessionRecord): Promise<SessionRecord> {
    const { epoch } = await this.get(id);
    const record = await this.#store.update(id, epoch, change);
    if (record === undefined) throw new SignallingFailure('session_not_found');
    return record;
  }
}
