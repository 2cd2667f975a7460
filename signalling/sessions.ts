import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { InvalidTransition, SignallingFailure, StoreFull } from './errors.ts';
import { outdo } from './outdo.ts';
import type { Places } from './places.ts';
import type { EndReason, SessionState, TranscriptEntry } from './protocol.ts';
import type { HeldSessions } from './held-sessions.ts';
import type { Continuation, StoredSession } from './session-store.ts';
import { nextChange, transition } from './session.ts';
import type { NewSession, SessionChanges, SessionRecord, SessionTransition } from './session.ts';

export type SessionsOptions = {
  store: HeldSessions;
  places: Places;
  /** Name of this pod; it owns what it opens. */
  podId: string;
  /** Whether the machine has time for one more call; places alone do not tell. Default: it has. */
  hasTime?: () => boolean;
  /** How long a session lives without a connected client, in ms. */
  timeoutMs: number;
  nowMs: () => number;
};

export type SessionsEvents = {
  /** Once for each session, however it ended. */
  ended: [record: SessionRecord];
  /** Its client, or its client's media, is gone. */
  interrupted: [id: string];
  /** Another pod leads it now; this one must stop whatever it does for it. */
  lost: [id: string];
  /** It may be that there is a place now that there was not before. */
  placeFreed: [];
};

/** The sessions that this pod leads: opens them, moves them from state to state, and ends those whose time is over. */
export class Sessions extends EventEmitter<SessionsEvents> {
  readonly podId: string;
  readonly #store: HeldSessions;
  readonly #places: Places;
  readonly #hasTime: () => boolean;
  readonly #timeoutMs: number;
  readonly #nowMs: () => number;
  /** Sessions with a connected client → when to put their end off again. */
  readonly #attended = new Map<string, number>();
  #draining = false;

  constructor({ store, places, podId, hasTime = () => true, timeoutMs, nowMs }: SessionsOptions) {
    super();
    this.podId = podId;
    this.#store = store;
    this.#places = places;
    this.#hasTime = hasTime;
    this.#timeoutMs = timeoutMs;
    this.#nowMs = nowMs;
    store.on('lost', (id) => this.#lost(id));
  }

  get capacity(): number {
    return this.#places.capacity;
  }

  /** Places taken or reserved. */
  get occupied(): number {
    return this.#places.occupied(this.#nowMs());
  }

  /** Whether nothing new is opened: this pod is about to close. */
  get draining(): boolean {
    return this.#draining;
  }

  set draining(draining: boolean) {
    this.#draining = draining;
    if (!draining) this.emit('placeFreed');
  }

  /** Whether its client is connected. */
  attends(id: string): boolean {
    return this.#attended.has(id);
  }

  /** Whether this pod leads it. */
  holds(id: string): boolean {
    return this.#store.holds(id);
  }

  /** Whether one more could be taken now. */
  get hasRoom(): boolean {
    return this.#takesMore && this.occupied < this.capacity;
  }

  /**
   * @param id made up by whoever asks, so that a session that is asked for twice is opened once
   * @throws {SignallingFailure} `server_busy` when every place is taken, or the pod is closing.
   */
  async open(request: NewSession, id: string = randomUUID()): Promise<SessionRecord> {
    const nowMs = this.#nowMs();
    if (!this.#takesMore || !this.#places.reserve(id, nowMs)) throw new SignallingFailure('server_busy');
    const record = transition(this.#newRecord(request, id), { type: 'placed' }, nowMs);
    try {
      await this.#store.create(record);
    } catch (error) {
      this.#places.free(id);
      if (error instanceof StoreFull) throw new SignallingFailure('server_busy', undefined, { cause: error });
      throw error;
    }
    return this.get(id);
  }

  /** A session for which there is no place yet; any pod may take it (`WaitingRoom`). */
  queuedRecord(request: NewSession): SessionRecord {
    return { ...this.#newRecord(request, randomUUID()), ownerPod: '' };
  }

  /**
   * Keeps a place for a session that comes from another pod, or out of the queue, before it is claimed. Even a machine that
   * is short of time takes it: the conversation would be lost otherwise.
   * @throws {SignallingFailure} `server_busy`
   */
  reserve(id: string): void {
    if (this.#draining || !this.#places.reserve(id, this.#nowMs())) throw new SignallingFailure('server_busy');
  }

  /** The place is not needed after all. */
  unreserve(id: string): void {
    this.#places.free(id);
    this.emit('placeFreed');
  }

  /** A session that was claimed for this pod: one that was queued has its place now. */
  async adopt({ record }: StoredSession): Promise<SessionRecord> {
    return record.state === 'queued' ? this.#apply(record.id, { type: 'placed' }) : record;
  }

  /** Another pod leads this session from now on: lets go of it, as if it had never been here. */
  async release(id: string): Promise<void> {
    this.#attended.delete(id);
    this.#places.free(id);
    await this.#store.release(id);
    this.emit('placeFreed');
  }

  /** @throws {SignallingFailure} `session_not_found`. */
  async get(id: string): Promise<SessionRecord> {
    return found(await this.#store.get(id));
  }

  counts(): Promise<Record<SessionState, number>> {
    return this.#store.counts();
  }

  async transcript(id: string): Promise<TranscriptEntry[]> {
    return this.#store.transcript(id);
  }

  /** All that a call needs to go on with a session. @throws {SignallingFailure} `session_not_found`. */
  async load(id: string): Promise<StoredSession> {
    return found(await this.#store.load(id));
  }

  /** @throws {SignallingFailure} `session_not_found`, `session_ended`. */
  async amend(id: string, changes: SessionChanges): Promise<SessionRecord> {
    return this.#change(id, (record) => {
      if (record.state === 'ended') throw new SignallingFailure('session_ended');
      return { ...record, ...changes, changed: nextChange(record), updatedAt: this.#nowMs() };
    });
  }

  /**
   * A client wants to join: takes its place.
   * @param seenEpoch of the owner that it heard last
   * @throws {SignallingFailure} `session_not_found`, `session_ended`, `server_busy`.
   */
  async attach(id: string, seenEpoch = 0): Promise<SessionRecord> {
    const record = await outdo(await this.get(id), seenEpoch, this.#store);
    if (record.state === 'ended') throw new SignallingFailure('session_ended');
    // Lost while the client waited for its turn: the next try finds who leads it.
    if (!this.holds(id)) throw new SignallingFailure('server_busy');
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
    this.emit('placeFreed');
    return record;
  }

  /**
   * Puts off the end of sessions that are attended, and ends those whose time is over. Called every second or so.
   * @returns those whose time is over and that this pod does not lead
   */
  async sweep(): Promise<SessionRecord[]> {
    const nowMs = this.#nowMs();
    for (const [id] of [...this.#attended].filter(([, renewAtMs]) => renewAtMs <= nowMs)) {
      this.#attended.set(id, nowMs + this.#timeoutMs / 2);
      const record = await this.#store.get(id);
      if (record !== undefined) await this.#store.renew(id, record.epoch, nowMs + this.#timeoutMs);
    }
    const due = await this.#store.sweep(nowMs);
    const [own, others] = [due.filter(({ id }) => this.holds(id)), due.filter(({ id }) => !this.holds(id))];
    for (const { id } of own) await this.end(id, 'expired');
    return others;
  }

  get #takesMore(): boolean {
    return !this.#draining && this.#hasTime();
  }

  #newRecord(request: NewSession, id: string): SessionRecord {
    const nowMs = this.#nowMs();
    return {
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
  }

  #lost(id: string): void {
    this.#attended.delete(id);
    this.#places.free(id);
    this.emit('lost', id);
    this.emit('placeFreed');
  }

  async #apply(id: string, event: SessionTransition): Promise<SessionRecord> {
    const nowMs = this.#nowMs();
    try {
      const before = await this.get(id);
      const record = await this.#change(id, (current) => transition(current, event, nowMs));
      if (record.state === 'interrupted' && before.state !== 'interrupted') this.emit('interrupted', id);
      return record;
    } catch (error) {
      if (error instanceof InvalidTransition && error.state === 'ended') {
        throw new SignallingFailure('session_ended', undefined, { cause: error });
      }
      throw error;
    }
  }

  async #change(id: string, change: (record: SessionRecord) => SessionRecord): Promise<SessionRecord> {
    const { epoch } = await this.get(id);
    return found(await this.#store.update(id, epoch, change));
  }
}

function found<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new SignallingFailure('session_not_found');
  return value;
}
