/**
 * Where sessions and their transcripts are kept. Everything is asynchronous and checked by epoch, so that a store shared
 * by several pods can stand in for the one in memory without a change to any caller.
 */
import type { SessionState, TranscriptEntry } from './protocol.ts';
import type { SessionRecord } from './session.ts';

/** Newest first. `cursor` is what the page before gave as `nextCursor`; it is opaque. */
export type PageRequest = { limit: number; cursor?: string; state?: SessionState };
export type SessionPage = { sessions: SessionRecord[]; nextCursor?: string };

/**
 * What another pod needs, beside the transcript, to go on with a conversation: plain data of the media side, of which
 * signalling knows nothing but that it can be written as JSON.
 */
export type Continuation = Readonly<Record<string, unknown>>;

/** All that is kept of a session. */
export type StoredSession = { record: SessionRecord; transcript: TranscriptEntry[]; continuation?: Continuation };

export type Claim = {
  /** Made up by the claimer. A claim that is repeated, since its answer was lost, is granted once. */
  claimId: string;
  podId: string;
  /** The epoch that the claimer believes to be over; a session that has moved on since is not given away. */
  fromEpoch: number;
};

export type ClaimAnswer =
  /** The claimer owns it, under the epoch of the record: max(stored + 1, the store's own clock in ms). */
  | { outcome: 'claimed'; session: StoredSession }
  /** Somebody else was quicker, or it has ended: how it stands. */
  | { outcome: 'overtaken'; record: SessionRecord }
  | { outcome: 'missing' };

/** Anything that may wait for a network can be given up. */
export type Waiting = { signal?: AbortSignal };

export interface SessionStore {
  /**
   * Adds a session.
   * @throws {StoreFull} when there is no room even after what has ended was dropped.
   */
  create(record: SessionRecord, waiting?: Waiting): Promise<void>;

  get(id: string, waiting?: Waiting): Promise<SessionRecord | undefined>;

  /**
   * Reads, changes and writes in one step: `change` is pure and may run again when another write came in between. The
   * store sets `version`. Returning the record unchanged writes nothing.
   * @throws {StaleEpoch} when `epoch` is lower than the stored one, or the same under another owner than this store's pod.
   * @throws {StoreBehind} when `epoch` is higher than the stored one: it has to be given all of the session (`put`).
   * @throws whatever `change` throws.
   * @returns the stored record, or undefined where there is none.
   */
  update(
    id: string,
    epoch: number,
    change: (record: SessionRecord) => SessionRecord,
    waiting?: Waiting,
  ): Promise<SessionRecord | undefined>;

  /** All of it, for a pod that takes it over. */
  load(id: string, waiting?: Waiting): Promise<StoredSession | undefined>;

  /**
   * Writes all of a session as its owner has it, under the epoch of its record: after the store was away or lost it. Lines
   * of the transcript that the store has and the owner has not are kept.
   * @throws {StaleEpoch} when the stored epoch is higher, or equal and another pod's.
   */
  put(session: StoredSession, waiting?: Waiting): Promise<void>;

  /** Takes a session over from its owner. Whether that is allowed is not the store's to decide (`ownership.ts`). */
  claim(id: string, claim: Claim, waiting?: Waiting): Promise<ClaimAnswer>;

  /**
   * Keeps how the conversation stands.
   * @throws as `update` does.
   * @returns false where there is no such session.
   */
  keepContinuation(id: string, epoch: number, continuation: Continuation, waiting?: Waiting): Promise<boolean>;

  /** Puts a session that waits for a place at the end of the queue. Returns its position, from 1; undefined: it is full. */
  enqueue(id: string, limit: number, waiting?: Waiting): Promise<number | undefined>;
  /** Takes the first one off the queue. */
  dequeue(waiting?: Waiting): Promise<string | undefined>;
  /** Puts one that was taken off the queue and got no place before all others, however many wait. Idempotent. */
  putBack(id: string, waiting?: Waiting): Promise<void>;
  /** Takes one off the queue wherever it stands. Idempotent. */
  leaveQueue(id: string, waiting?: Waiting): Promise<void>;
  /** All that wait, the first first. */
  queue(waiting?: Waiting): Promise<string[]>;

  list(page: PageRequest, waiting?: Waiting): Promise<SessionPage>;

  /** Sessions in this store, by state. */
  counts(waiting?: Waiting): Promise<Record<SessionState, number>>;

  /**
   * Adds one final line to the transcript, once for each (turnId, role): a repeated append changes nothing.
   * @throws as `update` does.
   * @returns whether it was added.
   */
  append(id: string, epoch: number, entry: TranscriptEntry, waiting?: Waiting): Promise<boolean>;

  /** The conversation so far in the order of appending; empty where there is no such session. */
  transcript(id: string, waiting?: Waiting): Promise<TranscriptEntry[]>;

  /** Puts the end of an unattended session off to `expiresAt` (Unix ms). @throws as `update` does. */
  renew(id: string, epoch: number, expiresAt: number, waiting?: Waiting): Promise<void>;

  /**
   * Housekeeping: drops what ended long ago, and names the sessions that ought to be ended because their time is over.
   * Ending them is the caller's part, for there may be a call to end as well.
   */
  sweep(nowMs: number): Promise<SessionRecord[]>;

  /** Idempotent. */
  close(): Promise<void>;
}
