import type { RedisLink } from './redis-link.ts';
import { RedisScript } from './redis-script.ts';

export type RedisSessionQueueOptions = {
  link: RedisLink;
  /** Name of the list. */
  key: string;
};

/** KEYS: the list. ARGV: id, most that may wait. */
const enqueueScript = new RedisScript(`
local position = redis.call('LPOS', KEYS[1], ARGV[1])
if position then return position + 1 end
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[2]) then return nil end
return redis.call('RPUSH', KEYS[1], ARGV[1])
`);

/** KEYS: the list. ARGV: ids, the first one last. */
const restoreScript = new RedisScript(`
for _, id in ipairs(ARGV) do
  if not redis.call('LPOS', KEYS[1], id) then redis.call('LPUSH', KEYS[1], id) end
end
`);

/**
 * How long a session that waits may be absent from the queue, in ms. Shorter, and one that a pod has just taken off it, to
 * give it a place, is put back meanwhile; longer, and one whose taker died waits for that long.
 */
const ABSENCE_MS = 2_000;

/** The most that MAX_QUEUED_SESSIONS allows. What lies behind them was put there by nobody of us. */
const MOST_WAITING = 100_000;

/** Sessions that wait for a place, the first first. */
export class RedisSessionQueue {
  readonly #link: RedisLink;
  readonly #key: string;
  /** Sessions that ought to wait and do not → when that was first seen, Unix ms. */
  #absentSince = new Map<string, number>();

  constructor({ link, key }: RedisSessionQueueOptions) {
    this.#link = link;
    this.#key = key;
  }

  async enqueue(id: string, limit: number): Promise<number | undefined> {
    const position = await this.#link.run('queue.enqueue', (redis) =>
      enqueueScript.run(redis, [this.#key], [id, limit]),
    );
    return typeof position === 'number' ? position : undefined;
  }

  async dequeue(): Promise<string | undefined> {
    return (await this.#link.run('queue.dequeue', (redis) => redis.lpop(this.#key))) ?? undefined;
  }

  async putBack(ids: readonly string[]): Promise<void> {
    await this.#link.run('queue.restore', (redis) => restoreScript.run(redis, [this.#key], ids.toReversed()));
  }

  async leave(id: string): Promise<void> {
    await this.#link.run('queue.leave', (redis) => redis.lrem(this.#key, 0, id));
  }

  async ids(): Promise<string[]> {
    return this.#link.run('queue.list', (redis) => redis.lrange(this.#key, 0, MOST_WAITING - 1));
  }

  /**
   * Puts back whoever was taken off and given no place: the taker died, or its answer was lost.
   * @param waiting ids of the sessions that are queued, the oldest first
   */
  async restore(waiting: readonly string[], nowMs: number): Promise<void> {
    const present = new Set(await this.ids());
    const absent = waiting.filter((id) => !present.has(id));
    this.#absentSince = new Map(absent.map((id) => [id, this.#absentSince.get(id) ?? nowMs]));
    const lost = absent.filter((id) => (this.#absentSince.get(id) ?? nowMs) + ABSENCE_MS <= nowMs);
    if (lost.length === 0) return;
    await this.putBack(lost);
  }
}
