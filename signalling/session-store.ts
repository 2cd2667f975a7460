/**
 * Where sessions and their transcripts are kept. Everything is asynchronous and checked by epoch, so that a store shared
 * by several pods can stand in for the one in memory without a change to any caller.
 */
import type { SessionState, TranscriptEntry } from './protocol.ts';
import type { SessionRecord } from './session.ts';

/** Newest first. `cursor` is what the page before gave as `nextCursor`; it is opaque. */
export type PageRequest = { limit: number; cursor?: string; state?: SessionState };
export type SessionPage = { sessions: SessionRecord[]; nextCursor?: string };

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
   * @throws {StaleEpoch} when `epoch` is lower than the stored one.
   * @throws whatever `change` throws.
   * @returns the stored record, or undefined where there is none.
   */
  update(
    id: string,
    epoch: number,
    change: (record: SessionRecord) => SessionRecord,
    waiting?: Waiting,
  ): Promise<SessionRecord | undefined>;

  list(page: PageRequest, waiting?: Waiting): Promise<SessionPage>;

  /** Sessions of this pod, by state. */
  counts(waiting?: Waiting): Promise<Record<SessionState, number>>;

  /**
   * Adds one final line to the transcript, once for each (turnId, role): a repeated append changes nothing.
   * @throws {StaleEpoch} as `update` does.
   * @returns whether it was added.
   */
  append(id: string, epoch: number, entry: TranscriptEntry, waiting?: Waiting): Promise<boolean>;

  /** The conversation so far in the order of appending; empty where there is no such session. */
  transcript(id: string, waiting?: Waiting): Promise<TranscriptEntry[]>;

  /** Puts the end of an unattended session off to `expiresAt` (Unix ms). */
  renew(id: string, epoch: number, expiresAt: number, waiting?: Waiting): Promise<void>;

  /**
   * Housekeeping: drops what ended long ago, and names the sessions that ought to be ended because their time is over.
   * Ending them is the caller's part, for there may be a call to end as well.
   */
  sweep(nowMs: number): Promise<SessionRecord[]>;

  /** Idempotent. */
  close(): Promise<void>;
}
