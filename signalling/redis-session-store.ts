import { SessionExists, StaleEpoch, StoreBehind, StoreUnavailable } from './errors.ts';
import type { SessionState, TranscriptEntry } from './protocol.ts';
import type { RedisLink } from './redis-link.ts';
import type { RedisScript } from './redis-script.ts';
import { RECORD_FIELDS, readLines, readRecord, readSession, writeRecord } from './redis-session-fields.ts';
import { RedisSessionIndex } from './redis-session-index.ts';
import { RedisSessionQueue } from './redis-session-queue.ts';
import * as scripts from './redis-session-scripts.ts';
import { RedisSessionSweeper } from './redis-session-sweeper.ts';
import { readCursor, writeCursor } from './session-cursor.ts';
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
import { lineKey } from './transcript-merge.ts';

export type RedisSessionStoreOptions = {
  /** Closed by whoever opened it. */
  link: RedisLink;
  /** The pod whose writes these are. */
  podId: string;
  /** How long a session stays after its time is over or it has ended, in ms. */
  sessionTtlMs: number;
  /** Name of the list of those that wait. */
  queueKey: string;
  /** Set before the names of all keys but the queue's. Default: nothing. No braces: they decide about slots. */
  keyPrefix?: string;
  /** Told of every time that something of a session was written. */
  onPersisted?: () => void;
  nowMs?: () => number;
};

/** What a script answers that has written. A record that was read is no text. */
const WRITTEN: ReadonlySet<unknown> = new Set(['ok', 'claimed']);

/** Other writers that may come between reading and writing. More than a few means that one writes without end. */
const MOST_CONFLICTS = 50;

/**
 * Sessions in Redis, for all pods. Each lies in one slot: `session:{<id>}`, `session:{<id>}:turns`, `session:{<id>}:said`.
 *
 * Everything fails with `StoreUnavailable` while Redis does not answer. What was written may have been written or not then;
 * each write may be repeated.
 */
export class RedisSessionStore implements SessionStore {
  readonly #link: RedisLink;
  readonly #podId: string;
  readonly #sessionTtlMs: number;
  readonly #keyPrefix: string;
  readonly #onPersisted: (() => void) | undefined;
  readonly #index: RedisSessionIndex;
  readonly #queue: RedisSessionQueue;
  readonly #sweeper: RedisSessionSweeper;
  /** Number of the last write; a pod that starts again under its old name goes on above what it gave before. */
  #sequence: number;

  constructor(options: RedisSessionStoreOptions) {
    const { link, podId, sessionTtlMs, queueKey, keyPrefix = '', onPersisted, nowMs = Date.now } = options;
    this.#link = link;
    this.#podId = podId;
    this.#sessionTtlMs = sessionTtlMs;
    this.#keyPrefix = keyPrefix;
    this.#onPersisted = onPersisted;
    this.#sequence = nowMs() * 1_000;
    this.#index = new RedisSessionIndex({ link, podId, keyPrefix, sessionTtlMs });
    this.#queue = new RedisSessionQueue({ link, key: queueKey });
    this.#sweeper = new RedisSessionSweeper({
      podId,
      index: this.#index,
      queue: this.#queue,
      get: (id) => this.get(id),
      drop: (id) => this.#drop(id),
      steadyForMs: () => (link.steadySince === undefined ? 0 : nowMs() - link.steadySince),
    });
  }

  async create(record: SessionRecord, waiting?: Waiting): Promise<void> {
    waiting?.signal?.throwIfAborted();
    const [outcome] = await this.#storing(record.id, record.epoch, scripts.createScript, 'create', writeRecord(record));
    if (outcome === 'exists') throw new SessionExists(record.id);
    await this.#indexed(record);
  }

  async get(id: string, waiting?: Waiting): Promise<SessionRecord | undefined> {
    waiting?.signal?.throwIfAborted();
    const [key] = this.#keys(id);
    const read = this.#link.run('session.get', (redis) => redis.hmget(key, ...RECORD_FIELDS));
    return readRecord(id, await read.catch(unlessOfAnotherType([])));
  }

  async update(
    id: string,
    epoch: number,
    change: (record: SessionRecord) => SessionRecord,
    waiting?: Waiting,
  ): Promise<SessionRecord | undefined> {
    let record = await this.get(id, waiting);
    for (let conflicts = 0; record !== undefined && conflicts < MOST_CONFLICTS; conflicts += 1) {
      waiting?.signal?.throwIfAborted();
      if (epoch < record.epoch || (epoch === record.epoch && record.ownerPod !== this.#podId)) {
        throw new StaleEpoch(id, epoch, record.epoch);
      }
      if (epoch > record.epoch) throw new StoreBehind(id, epoch, record.epoch);
      const changed = change(record);
      if (changed === record) return record;
      const next = { ...changed, epoch: Math.max(epoch, changed.epoch), version: record.version + 1 };
      const args = [record.version, ...writeRecord(next)];
      const [outcome, fields] = await this.#storing(id, epoch, scripts.replaceScript, 'update', args);
      if (outcome === 'missing') return undefined;
      if (outcome === 'ok') {
        await this.#indexed(next);
        return next;
      }
      record = readRecord(id, fields as string[]);
    }
    if (record === undefined) return undefined;
    throw new StoreUnavailable(`session.update: ${MOST_CONFLICTS} other writes came first`);
  }

  async load(id: string, waiting?: Waiting): Promise<StoredSession | undefined> {
    waiting?.signal?.throwIfAborted();
    const [fields, continuation, turns] = await this.#run(id, 0, scripts.loadScript, 'load', []);
    return readSession(id, fields as string[], continuation as string | null, turns as string[]);
  }

  async put({ record, transcript, continuation }: StoredSession, waiting?: Waiting): Promise<void> {
    waiting?.signal?.throwIfAborted();
    const lines = transcript.flatMap((line) => [lineKey(line), JSON.stringify(line)]);
    const args = [...writeRecord(record), continuation ? JSON.stringify(continuation) : '', ...lines];
    const [, fields] = await this.#storing(record.id, record.epoch, scripts.putScript, 'put', args);
    const written = readRecord(record.id, fields as string[]);
    if (written !== undefined) await this.#indexed(written);
  }

  async claim(id: string, { claimId, podId, fromEpoch }: Claim, waiting?: Waiting): Promise<ClaimAnswer> {
    waiting?.signal?.throwIfAborted();
    const args = [claimId];
    const answer = await this.#run(id, fromEpoch, scripts.claimScript, 'claim', args, podId);
    const [outcome, fields, continuation, turns] = answer;
    if (outcome === 'missing') return { outcome };
    if (outcome === 'overtaken') {
      const record = readRecord(id, fields as string[]);
      return record ? { outcome, record } : { outcome: 'missing' };
    }
    const session = readSession(id, fields as string[], continuation as string | null, turns as string[]);
    return session ? { outcome: 'claimed', session } : { outcome: 'missing' };
  }

  async keepContinuation(id: string, epoch: number, continuation: Continuation, waiting?: Waiting): Promise<boolean> {
    waiting?.signal?.throwIfAborted();
    const args = [JSON.stringify(continuation)];
    const [outcome] = await this.#storing(id, epoch, scripts.continuationScript, 'continuation', args);
    return outcome === 'ok';
  }

  async append(id: string, epoch: number, entry: TranscriptEntry, waiting?: Waiting): Promise<boolean> {
    waiting?.signal?.throwIfAborted();
    const args = [lineKey(entry), JSON.stringify(entry)];
    const [outcome, added] = await this.#storing(id, epoch, scripts.appendScript, 'append', args);
    return outcome === 'ok' && added === 1;
  }

  async transcript(id: string, waiting?: Waiting): Promise<TranscriptEntry[]> {
    waiting?.signal?.throwIfAborted();
    const [, turns] = this.#keys(id);
    const read = this.#link.run('session.transcript', (redis) => redis.lrange(turns, 0, -1));
    return readLines(await read.catch(unlessOfAnotherType([])));
  }

  async renew(id: string, epoch: number, expiresAt: number, waiting?: Waiting): Promise<void> {
    waiting?.signal?.throwIfAborted();
    const [outcome, fields] = await this.#storing(id, epoch, scripts.renewScript, 'renew', [expiresAt]);
    const record = outcome === 'ok' ? readRecord(id, fields as string[]) : undefined;
    if (record !== undefined) await this.#indexed(record);
  }

  async enqueue(id: string, limit: number, waiting?: Waiting): Promise<number | undefined> {
    waiting?.signal?.throwIfAborted();
    return this.#queue.enqueue(id, limit);
  }

  async dequeue(waiting?: Waiting): Promise<string | undefined> {
    waiting?.signal?.throwIfAborted();
    return this.#queue.dequeue();
  }

  async putBack(id: string, waiting?: Waiting): Promise<void> {
    waiting?.signal?.throwIfAborted();
    await this.#queue.putBack([id]);
  }

  async leaveQueue(id: string, waiting?: Waiting): Promise<void> {
    waiting?.signal?.throwIfAborted();
    await this.#queue.leave(id);
  }

  async queue(waiting?: Waiting): Promise<string[]> {
    waiting?.signal?.throwIfAborted();
    return this.#queue.ids();
  }

  async list({ limit, cursor, state }: PageRequest, waiting?: Waiting): Promise<SessionPage> {
    waiting?.signal?.throwIfAborted();
    const before = cursor === undefined ? undefined : readCursor(cursor);
    const places = await this.#index.page(state, before, limit + 1);
    const shown = places.slice(0, limit);
    const records = await Promise.all(shown.map(({ id }) => this.get(id, waiting)));
    // The index may be a moment behind the sessions.
    const sessions = records.filter(
      (record) => record !== undefined && (state === undefined || record.state === state),
    ) as SessionRecord[];
    const last = shown.at(-1);
    return places.length > limit && last ? { sessions, nextCursor: writeCursor(last) } : { sessions };
  }

  async counts(waiting?: Waiting): Promise<Record<SessionState, number>> {
    waiting?.signal?.throwIfAborted();
    return this.#index.counts();
  }

  /**
   * Every pod is told of its own sessions whose time is over. Those of others are named to the one pod that mends just now:
   * it has to ask their owner before it ends them.
   */
  async sweep(nowMs: number): Promise<SessionRecord[]> {
    return this.#sweeper.sweep(nowMs);
  }

  async close(): Promise<void> {
    // The link is its opener's to close.
  }

  /** All that is kept of a session, gone. */
  async #drop(id: string): Promise<void> {
    await this.#link.run('session.drop', (redis) => redis.del(...this.#keys(id)));
  }

  /** What has been written stays written when the index cannot be: it is told later, and whoever sweeps tells why not. */
  async #indexed(record: SessionRecord): Promise<void> {
    await this.#index.put(record).catch(() => this.#sweeper.mendLater(record.id));
  }

  /** @throws {StaleEpoch} @throws {StoreBehind} */
  async #storing(
    id: string,
    epoch: number,
    script: RedisScript,
    operation: string,
    args: readonly (string | number)[],
  ): Promise<readonly unknown[]> {
    let answer = await this.#run(id, epoch, script, operation, args);
    // Another write of ours came first, for this one's script had to be sent in full. We still mean it.
    for (let repeats = 0; answer[0] === 'late' && repeats < MOST_CONFLICTS; repeats += 1) {
      this.#sequence = Math.max(this.#sequence, Number(answer[1]));
      answer = await this.#run(id, epoch, script, operation, args);
    }
    if (answer[0] === 'stale') throw new StaleEpoch(id, epoch, Number(answer[1]));
    if (answer[0] === 'behind') throw new StoreBehind(id, epoch, Number(answer[1]));
    return answer;
  }

  async #run(
    id: string,
    epoch: number,
    script: RedisScript,
    operation: string,
    args: readonly (string | number)[],
    podId = this.#podId,
  ): Promise<readonly unknown[]> {
    this.#sequence += 1;
    const all = [podId, epoch, this.#sessionTtlMs, this.#sequence, ...args];
    const run = (redis: Parameters<RedisScript['run']>[0]) => script.run(redis, this.#keys(id), all);
    const answer = (await this.#link.run(`session.${operation}`, run)) as readonly unknown[];
    if (WRITTEN.has(answer[0])) this.#onPersisted?.();
    return answer;
  }

  #keys(id: string): [session: string, turns: string, said: string] {
    const key = `${this.#keyPrefix}session:{${id}}`;
    return [key, `${key}:turns`, `${key}:said`];
  }
}

/** What is of another type than ours was put under our name by somebody else: of that session there is nothing here. */
const unlessOfAnotherType =
  <Nothing>(nothing: Nothing) =>
  (error: unknown): Nothing => {
    if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return nothing;
    throw error;
  };
