import { WRITE_BACK_MS } from './certain-absence.ts';
import { StoreUnavailable } from './errors.ts';
import type { RedisSessionIndex } from './redis-session-index.ts';
import type { RedisSessionQueue } from './redis-session-queue.ts';
import type { SessionRecord } from './session.ts';

export type RedisSessionSweeperOptions = {
  podId: string;
  index: RedisSessionIndex;
  queue: RedisSessionQueue;
  get: (id: string) => Promise<SessionRecord | undefined>;
  /** Removes all that is kept of a session. */
  drop: (id: string) => Promise<void>;
  /** For how long Redis has been there without a break, in ms. */
  steadyForMs: () => number;
};

/** Most entries of the queue that one sweep asks about because they seem to be of no session that waits. */
const STRAY_COUNT = 1_000;

/** Finds the sessions whose time is over, and mends the index and the queue after pods that died between two writes. */
export class RedisSessionSweeper {
  readonly #podId: string;
  readonly #index: RedisSessionIndex;
  readonly #queue: RedisSessionQueue;
  readonly #get: RedisSessionSweeperOptions['get'];
  readonly #drop: RedisSessionSweeperOptions['drop'];
  readonly #steadyForMs: () => number;
  /** Sessions that were written while the index could not be. */
  readonly #unindexed = new Set<string>();

  constructor({ podId, index, queue, get, drop, steadyForMs }: RedisSessionSweeperOptions) {
    this.#podId = podId;
    this.#index = index;
    this.#queue = queue;
    this.#get = get;
    this.#drop = drop;
    this.#steadyForMs = steadyForMs;
  }

  mendLater(id: string): void {
    this.#unindexed.add(id);
  }

  /**
   * Names this pod's own sessions whose time is over. Others' are named only to the one pod that mends just now.
   * @throws {StoreUnavailable}
   */
  async sweep(nowMs: number): Promise<SessionRecord[]> {
    const mends = await this.#index.mayMend();
    const ids = await this.#index.due(nowMs);
    const records = await this.#records(ids);
    try {
      await this.#mendAll(
        new Set([...this.#unindexed, ...(mends ? [...ids, ...(await this.#index.some())] : [])]),
        nowMs,
      );
      if (mends) await this.#mendQueue(nowMs);
    } catch (error) {
      // The next sweep goes on with it; what was found meanwhile is not held back.
      if (!(error instanceof StoreUnavailable)) throw error;
    }
    // Until owners have written back what they hold, nobody else's session is taken for abandoned.
    const othersToo = mends && this.#steadyForMs() >= WRITE_BACK_MS;
    return records.filter(
      ({ state, expiresAt, ownerPod }) =>
        state !== 'ended' && expiresAt <= nowMs && (othersToo || ownerPod === this.#podId),
    );
  }

  async #records(ids: readonly string[]): Promise<SessionRecord[]> {
    const records = await Promise.all(ids.map((id) => this.#get(id)));
    return records.filter((record) => record !== undefined);
  }

  async #mendAll(ids: ReadonlySet<string>, nowMs: number): Promise<void> {
    await Promise.all([...ids].map((id) => this.#mend(id, nowMs)));
  }

  /** Has the index say of a session what the session says of itself. */
  async #mend(id: string, nowMs: number): Promise<void> {
    const record = await this.#get(id);
    const isOver = record?.state === 'ended' && this.#index.dueAt(record) <= nowMs;
    if (isOver) await this.#drop(id);
    if (record === undefined || isOver) await this.#index.remove(id);
    else await this.#index.put(record);
    this.#unindexed.delete(id);
  }

  async #mendQueue(nowMs: number): Promise<void> {
    const queued = await this.#index.inState('queued');
    const known = new Set(queued);
    const strays = (await this.#queue.ids()).filter((id) => !known.has(id));
    for (const id of strays.slice(0, STRAY_COUNT)) {
      if ((await this.#get(id))?.state !== 'queued') await this.#queue.leave(id);
    }
    await this.#queue.restore(queued, nowMs);
  }
}
