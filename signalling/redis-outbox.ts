import type { Outbox } from './outbox.ts';
import type { RedisLink } from './redis-link.ts';
import { RedisScript } from './redis-script.ts';

export type RedisOutboxOptions = {
  link: RedisLink;
  /** Name of the sorted set: ids by when their lease ends, in ms of Redis' clock, so that pods' clocks do not matter. */
  key?: string;
  /** Default 30,000 ms. */
  leaseMs?: number;
};

const KEY = 'webhooks';
const LEASE_MS = 30_000;

const NOW = `local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** KEYS: the set. ARGV: length of the lease, ids. */
const keepScript = new RedisScript(`${NOW}
for index = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[index]) end
`);

/** KEYS: the set. ARGV: ids. */
const leaveScript = new RedisScript(`
for _, id in ipairs(ARGV) do redis.call('ZADD', KEYS[1], 'XX', 0, id) end
`);

/** KEYS: the set. ARGV: length of the lease, most. */
const takeScript = new RedisScript(`${NOW}
local free = redis.call('ZRANGEBYSCORE', KEYS[1], 0, now, 'LIMIT', 0, ARGV[2])
for _, id in ipairs(free) do redis.call('ZADD', KEYS[1], now + ARGV[1], id) end
return free
`);

export class RedisOutbox implements Outbox {
  readonly #link: RedisLink;
  readonly #keys: [string];
  readonly #leaseMs: number;

  constructor({ link, key = KEY, leaseMs = LEASE_MS }: RedisOutboxOptions) {
    this.#link = link;
    this.#keys = [key];
    this.#leaseMs = leaseMs;
  }

  async keep(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#link.run('outbox.keep', (redis) => keepScript.run(redis, this.#keys, [this.#leaseMs, ...ids]));
  }

  async leave(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#link.run('outbox.leave', (redis) => leaveScript.run(redis, this.#keys, ids));
  }

  async remove(id: string): Promise<void> {
    await this.#link.run('outbox.remove', (redis) => redis.zrem(...this.#keys, id));
  }

  async take(most: number): Promise<string[]> {
    const taken = await this.#link.run('outbox.take', (redis) =>
      takeScript.run(redis, this.#keys, [this.#leaseMs, most]),
    );
    return taken as string[];
  }
}
