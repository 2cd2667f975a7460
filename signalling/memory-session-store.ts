import { StaleEpoch, StoreFull } from './errors.ts';
import type { SessionState, TranscriptEntry } from './protocol.ts';
import type { PageRequest, SessionPage, SessionStore, Waiting } from './session-store.ts';
import type { SessionRecord } from './session.ts';

export type MemorySessionStoreOptions = {
  /** How long an ended session stays readable, in ms. Default: one hour. */
  keepEndedMs?: number;
  /** Most sessions held, ended ones included. Default 10,000: about 50 MB with long transcripts. */
  maximumSessions?: number;
};

type Entry = { record: SessionRecord; transcript: Map<string, TranscriptEntry> };

const DEFAULT_KEEP_ENDED_MS = 3_600_000;
const DEFAULT_MAXIMUM_SESSIONS = 10_000;

/** Sessions of one process, gone with it. Ended ones stay readable for a while; when full, the oldest of them go first. */
export class MemorySessionStore implements SessionStore {
  readonly #keepEndedMs: number;
  readonly #maximumSessions: number;
  /** In order of creation, which is the order of listing, backwards. */
  readonly #entries = new Map<string, Entry>();

  constructor(options: MemorySessionStoreOptions = {}) {
    this.#keepEndedMs = options.keepEndedMs ?? DEFAULT_KEEP_ENDED_MS;
    this.#maximumSessions = options.maximumSessions ?? DEFAULT_MAXIMUM_SESSIONS;
  }

  async create(record: SessionRecord, waiting?: Waiting): Promise<void> {
    waiting?.signal?.throwIfAborted();
    if (this.#entries.has(record.id)) throw new Error(`Session ${record.id} exists already.`);
    if (this.#entries.size >= this.#maximumSessions) this.#dropOldestEnded();
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
    const entry = this.#writable(id, epoch);
    if (entry === undefined) return undefined;
    const changed = change(entry.record);
    if (changed !== entry.record) {
      entry.record = { ...changed, epoch: Math.max(epoch, changed.epoch), version: entry.record.version + 1 };
    }
    return entry.record;
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
    const stored = this.#writable(id, epoch);
    const key = `${entry.role}:${entry.turnId}`;
    if (stored === undefined || stored.transcript.has(key)) return false;
    stored.transcript.set(key, entry);
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

  async close(): Promise<void> {
    this.#entries.clear();
  }

  #writable(id: string, epoch: number): Entry | undefined {
    const entry = this.#entries.get(id);
    if (entry !== undefined && epoch < entry.record.epoch) throw new StaleEpoch(id, epoch, entry.record.epoch);
    return entry;
  }

  #dropOldestEnded(): void {
    for (const [id, { record }] of this.#entries) {
      if (record.state !== 'ended') continue;
      this.#entries.delete(id);
      return;
    }
    throw new StoreFull(this.#maximumSessions);
  }
}

/** A place in the list. Ids break the tie of sessions that were made within one millisecond. */
type Place = Pick<SessionRecord, 'createdAt' | 'id'>;

const comesAfter = (a: Place, b: Place): boolean =>
  a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id < b.id);

const writeCursor = ({ createdAt, id }: Place): string => Buffer.from(`${createdAt}:${id}`).toString('base64url');

/** A cursor that was tampered with reads as the end of the list rather than as an error. */
const readCursor = (cursor: string): Place => {
  const [createdAt = '', id = ''] = Buffer.from(cursor, 'base64url').toString().split(':');
  return { createdAt: Number(createdAt) || 0, id };
};
