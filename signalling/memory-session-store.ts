import { SessionExists, StaleEpoch, StoreBehind, StoreFull } from './errors.ts';
import type { SessionState, TranscriptEntry } from './protocol.ts';
import { comesAfter, readCursor, writeCursor } from './session-cursor.ts';
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
import { lineKey, mergeTranscripts } from './transcript-merge.ts';

export type MemorySessionStoreOptions = {
  /** The pod whose writes these are. */
  podId: string;
  /** How long an ended session stays readable, in ms. Default: one hour. */
  keepEndedMs?: number;
  /** Most sessions held, ended ones included. Default 10,000: about 50 MB with long transcripts. */
  maximumSessions?: number;
  /** Unix ms, for the epoch of a claim. */
  nowMs?: () => number;
  /** Another store whose sessions these are as well: one store as several pods see it, in tests and simulations. */
  sharedWith?: MemorySessionStore;
};

type Entry = {
  record: SessionRecord;
  transcript: Map<string, TranscriptEntry>;
  continuation?: Continuation;
  /** The last claim that was granted, and under which epoch. */
  claim?: { id: string; epoch: number };
};

const DEFAULT_KEEP_ENDED_MS = 3_600_000;
const DEFAULT_MAXIMUM_SESSIONS = 10_000;

/** Sessions of one process, gone with it. Ended ones stay readable for a while; when full, the oldest of them go first. */
export class MemorySessionStore implements SessionStore {
  readonly #podId: string;
  readonly #keepEndedMs: number;
  readonly #maximumSessions: number;
  readonly #nowMs: () => number;
  /** In order of creation, which is the order of listing, backwards. */
  readonly #entries: Map<string, Entry>;
  /** In the order of waiting. */
  readonly #queue: Set<string>;

  constructor({ podId, keepEndedMs, maximumSessions, nowMs, sharedWith }: MemorySessionStoreOptions) {
    this.#entries = sharedWith ? sharedWith.#entries : new Map<string, Entry>();
    this.#queue = sharedWith ? sharedWith.#queue : new Set<string>();
    this.#podId = podId;
    this.#keepEndedMs = keepEndedMs ?? DEFAULT_KEEP_ENDED_MS;
    this.#maximumSessions = maximumSessions ?? DEFAULT_MAXIMUM_SESSIONS;
    this.#nowMs = nowMs ?? Date.now;
  }

  async create(record: SessionRecord, waiting?: Waiting): Promise<void> {
    waiting?.signal?.throwIfAborted();
    if (this.#entries.has(record.id)) throw new SessionExists(record.id);
    this.#makeRoom();
    this.#entries.set(record.id, { record, transcript: new Map() });
  }

  async get(id: string, waiting?: Waiting): Promise<SessionRecord | undefined> {
    waiting?.signal?.throwIfAborted();
    return this.#entries.get(id)?.record;
  }

  async update(
    id: string,
    epoch: number,
    change: (record: SessionRecord) => SessionRecord,
    waiting?: Waiting,
  ): Promise<SessionRecord | undefined> {
    waiting?.signal?.throwIfAborted();
    const entry = this.#led(id, epoch);
    if (entry === undefined) return undefined;
    const { version } = entry.record;
    const changed = change(entry.record);
    if (changed !== entry.record) {
      entry.record = { ...changed, epoch: Math.max(epoch, changed.epoch), version: version + 1 };
    }
    return entry.record;
  }

  async load(id: string, waiting?: Waiting): Promise<StoredSession | undefined> {
    waiting?.signal?.throwIfAborted();
    const entry = this.#entries.get(id);
    return entry && stored(entry);
  }

  async put({ record, transcript, continuation }: StoredSession, waiting?: Waiting): Promise<void> {
    waiting?.signal?.throwIfAborted();
    const before = this.#writable(record.id, record.epoch);
    if (before === undefined) this.#makeRoom();
    const entry: Entry = before ?? { record, transcript: new Map() };
    entry.record = before ? { ...record, version: Math.max(before.record.version, record.version) + 1 } : record;
    const lines = mergeTranscripts([...entry.transcript.values()], transcript);
    entry.transcript = new Map(lines.map((line) => [lineKey(line), line]));
    if (continuation !== undefined) entry.continuation = continuation;
    this.#entries.set(record.id, entry);
  }

  async claim(id: string, { claimId, podId, fromEpoch }: Claim, waiting?: Waiting): Promise<ClaimAnswer> {
    waiting?.signal?.throwIfAborted();
    const entry = this.#entries.get(id);
    if (entry === undefined) return { outcome: 'missing' };
    const { record, claim } = entry;
    if (record.state === 'ended') return { outcome: 'overtaken', record };
    if (claim?.id === claimId && claim.epoch === record.epoch) return { outcome: 'claimed', session: stored(entry) };
    if (record.epoch > fromEpoch) return { outcome: 'overtaken', record };
    const nowMs = this.#nowMs();
    // The claimer may know of a later epoch than a store that lost its latest writes.
    const epoch = Math.max(fromEpoch + 1, nowMs);
    entry.record = { ...record, ownerPod: podId, epoch, version: record.version + 1, updatedAt: nowMs };
    entry.claim = { id: claimId, epoch };
    return { outcome: 'claimed', session: stored(entry) };
  }

  async keepContinuation(id: string, epoch: number, continuation: Continuation, waiting?: Waiting): Promise<boolean> {
    waiting?.signal?.throwIfAborted();
    const entry = this.#led(id, epoch);
    if (entry === undefined) return false;
    entry.continuation = continuation;
    return true;
  }

  async enqueue(id: string, limit: number, waiting?: Waiting): Promise<number | undefined> {
    waiting?.signal?.throwIfAborted();
    if (!this.#queue.has(id) && this.#queue.size >= limit) return undefined;
    this.#queue.add(id);
    return [...this.#queue].indexOf(id) + 1;
  }

  async dequeue(waiting?: Waiting): Promise<string | undefined> {
    waiting?.signal?.throwIfAborted();
    const [first] = this.#queue;
    if (first !== undefined) this.#queue.delete(first);
    return first;
  }

  async putBack(id: string, waiting?: Waiting): Promise<void> {
    waiting?.signal?.throwIfAborted();
    if (this.#queue.has(id)) return;
    const others = [...this.#queue];
    this.#queue.clear();
    for (const next of [id, ...others]) this.#queue.add(next);
  }

  async leaveQueue(id: string, waiting?: Waiting): Promise<void> {
    waiting?.signal?.throwIfAborted();
    this.#queue.delete(id);
  }

  async queue(waiting?: Waiting): Promise<string[]> {
    waiting?.signal?.throwIfAborted();
    return [...this.#queue];
  }

  async list({ limit, cursor, state }: PageRequest, waiting?: Waiting): Promise<SessionPage> {
    waiting?.signal?.throwIfAborted();
    const before = cursor === undefined ? undefined : readCursor(cursor);
    const matching = [...this.#entries.values()]
      .map(({ record }) => record)
      .filter((record) => (state === undefined || record.state === state) && (!before || comesAfter(record, before)))
      .sort((a, b) => (comesAfter(a, b) ? 1 : -1));
    const sessions = matching.slice(0, limit);
    const last = sessions.at(-1);
    return matching.length > limit && last ? { sessions, nextCursor: writeCursor(last) } : { sessions };
  }

  async counts(waiting?: Waiting): Promise<Record<SessionState, number>> {
    waiting?.signal?.throwIfAborted();
    const counts = { queued: 0, ready: 0, live: 0, interrupted: 0, ended: 0 };
    for (const { record } of this.#entries.values()) counts[record.state] += 1;
    return counts;
  }

  async append(id: string, epoch: number, entry: TranscriptEntry, waiting?: Waiting): Promise<boolean> {
    waiting?.signal?.throwIfAborted();
    const session = this.#led(id, epoch);
    const key = lineKey(entry);
    if (session === undefined || session.transcript.has(key)) return false;
    session.transcript.set(key, entry);
    return true;
  }

  async transcript(id: string, waiting?: Waiting): Promise<TranscriptEntry[]> {
    waiting?.signal?.throwIfAborted();
    return [...(this.#entries.get(id)?.transcript.values() ?? [])];
  }

  async renew(id: string, epoch: number, expiresAt: number, waiting?: Waiting): Promise<void> {
    await this.update(id, epoch, (record) => (record.state === 'ended' ? record : { ...record, expiresAt }), waiting);
  }

  async sweep(nowMs: number): Promise<SessionRecord[]> {
    const due: SessionRecord[] = [];
    for (const [id, { record }] of this.#entries) {
      if (record.state !== 'ended' && record.expiresAt <= nowMs) due.push(record);
      else if (record.endedAt !== undefined && record.endedAt + this.#keepEndedMs <= nowMs) this.#entries.delete(id);
    }
    return due;
  }

  /** Drops a session that another pod leads now. Idempotent. */
  async forget(id: string): Promise<void> {
    this.#entries.delete(id);
  }

  async close(): Promise<void> {
    this.#entries.clear();
    this.#queue.clear();
  }

  #writable(id: string, epoch: number): Entry | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    const { record } = entry;
    if (epoch < record.epoch || (epoch === record.epoch && record.ownerPod !== this.#podId)) {
      throw new StaleEpoch(id, epoch, record.epoch);
    }
    return entry;
  }

  /** As its owner changes it, under the very epoch that it has claimed. */
  #led(id: string, epoch: number): Entry | undefined {
    const entry = this.#writable(id, epoch);
    if (entry !== undefined && epoch > entry.record.epoch) throw new StoreBehind(id, epoch, entry.record.epoch);
    return entry;
  }

  #makeRoom(): void {
    if (this.#entries.size < this.#maximumSessions) return;
    for (const [id, { record }] of this.#entries) {
      if (record.state !== 'ended') continue;
      this.#entries.delete(id);
      return;
    }
    throw new StoreFull(this.#maximumSessions);
  }
}

const stored = ({ record, transcript, continuation }: Entry): StoredSession => ({
  record,
  transcript: [...transcript.values()],
  ...(continuation !== undefined && { continuation }),
});
