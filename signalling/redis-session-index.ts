import { Cluster } from 'ioredis';
import type { RedisLink } from './redis-link.ts';
import { RedisScript } from './redis-script.ts';
import type { SessionState } from './protocol.ts';
import { comesAfter } from './session-cursor.ts';
import type { Place } from './session-cursor.ts';
import type { SessionRecord } from './session.ts';

export type RedisSessionIndexOptions = {
  link: RedisLink;
  podId: string;
  /** Set before the names of all keys. */
  keyPrefix: string;
  /** How long an ended session stays readable, in ms. */
  sessionTtlMs: number;
};

const STATES: readonly SessionState[] = ['queued', 'ready', 'live', 'interrupted', 'ended'];
/** A sweeping pod that dies is followed by another one so soon; they sweep once a second. */
const LOCK_MS = 900;
/** Keys looked at in one step of going through all of Redis. */
const SCAN_COUNT = 50;
/** Most sessions that one sweep looks at because their time is over. */
const DUE_COUNT = 1_000;

/** KEYS: all that are active, when each is due, one for each state. ARGV: id, createdAt, due, number of the state's key. */
const indexScript = new RedisScript(`
local id, state = ARGV[1], tonumber(ARGV[4])
for index = 3, #KEYS do
  if index == state then redis.call('ZADD', KEYS[index], ARGV[2], id) else redis.call('ZREM', KEYS[index], id) end
end
if state == 0 or state == #KEYS then redis.call('ZREM', KEYS[1], id) else redis.call('ZADD', KEYS[1], ARGV[2], id) end
if state == 0 then redis.call('ZREM', KEYS[2], id) else redis.call('ZADD', KEYS[2], ARGV[3], id) end
`);

/** KEYS: the lock. ARGV: pod, ms. */
const lockScript = new RedisScript(`
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`);

/**
 * Which sessions there are, by state and by when they are due. It lies in another slot than the sessions, so that a write
 * to it may be lost when a pod dies in between; whoever sweeps mends it.
 */
export class RedisSessionIndex {
  readonly #link: RedisLink;
  readonly #podId: string;
  readonly #sessionTtlMs: number;
  readonly #keyPrefix: string;
  readonly #active: string;
  readonly #expiry: string;
  readonly #lock: string;
  readonly #byState: Record<SessionState, string>;
  /** Node of a cluster, or '' → how far the walk through its keys has come. */
  readonly #scanned = new Map<string, string>();
  #walked = '0';

  constructor({ link, podId, keyPrefix, sessionTtlMs }: RedisSessionIndexOptions) {
    this.#link = link;
    this.#podId = podId;
    this.#sessionTtlMs = sessionTtlMs;
    this.#keyPrefix = keyPrefix;
    this.#active = `${keyPrefix}sessions:active`;
    // The name of the first key as the tag of the others puts them into its slot.
    const own = (name: string) => `{${this.#active}}:${name}`;
    this.#expiry = own('due');
    this.#lock = own('sweeper');
    this.#byState = Object.fromEntries(STATES.map((state) => [state, own(state)])) as Record<SessionState, string>;
  }

  /** When a session is to be looked at: its end, or, when it has ended, the end of being readable. Unix ms. */
  dueAt({ state, expiresAt, endedAt, updatedAt }: SessionRecord): number {
    return state === 'ended' ? (endedAt ?? updatedAt) + this.#sessionTtlMs : expiresAt;
  }

  async put(record: SessionRecord): Promise<void> {
    const { id, createdAt, state } = record;
    await this.#write([id, createdAt, this.dueAt(record), STATES.indexOf(state) + 3]);
  }

  async remove(id: string): Promise<void> {
    await this.#write([id, 0, 0, 0]);
  }

  async counts(): Promise<Record<SessionState, number>> {
    const cards = await this.#link.run('session.counts', (redis) =>
      Promise.all(STATES.map(async (state) => [state, await redis.zcard(this.#byState[state])] as const)),
    );
    return Object.fromEntries(cards) as Record<SessionState, number>;
  }

  /** The newest `count` sessions behind `before`. */
  async page(state: SessionState | undefined, before: Place | undefined, count: number): Promise<Place[]> {
    const keys = state === undefined ? [this.#active, this.#byState.ended] : [this.#byState[state]];
    const lists = await Promise.all(keys.map((key) => this.#walk(key, before, count)));
    return lists
      .flat()
      .toSorted((a, b) => (comesAfter(a, b) ? 1 : -1))
      .slice(0, count);
  }

  /** Ids of all in one state, the oldest first. */
  async inState(state: SessionState): Promise<string[]> {
    return this.#link.run('session.list', (redis) => redis.zrange(this.#byState[state], '0', '-1'));
  }

  /** Ids of those that are due, the longest overdue first. */
  async due(nowMs: number): Promise<string[]> {
    return this.#link.run('session.sweep', (redis) =>
      redis.zrangebyscore(this.#expiry, '-inf', nowMs, 'LIMIT', 0, DUE_COUNT),
    );
  }

  /** Whether this pod is the one that sweeps just now. */
  async mayMend(): Promise<boolean> {
    return (
      (await this.#link.run('session.sweep', (redis) =>
        lockScript.run(redis, [this.#lock], [this.#podId, LOCK_MS]),
      )) === 1
    );
  }

  /** Some ids of sessions that are kept, and some that the index has: in time, all of both. */
  async some(): Promise<string[]> {
    const prefix = `${this.#keyPrefix}session:`;
    return this.#link.run('session.sweep', async (redis) => {
      const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis];
      const ids: string[] = [];
      for (const node of nodes) {
        const name = `${node.options.host}:${node.options.port}`;
        const from = this.#scanned.get(name) ?? '0';
        const [next, keys] = await node.scan(from, 'MATCH', `${escaped(prefix)}{*}`, 'COUNT', SCAN_COUNT);
        this.#scanned.set(name, next);
        ids.push(...keys.map((key) => key.slice(prefix.length + 1, -1)));
      }
      const [next, members] = await redis.zscan(this.#expiry, this.#walked, 'COUNT', SCAN_COUNT);
      this.#walked = next;
      return [...new Set([...ids, ...members.filter((_, index) => index % 2 === 0)])];
    });
  }

  async #walk(key: string, before: Place | undefined, count: number): Promise<Place[]> {
    const places: Place[] = [];
    // The first one found may be the one that the page before ended with.
    const step = count + 1;
    for (let offset = 0; ; offset += step) {
      const rows = await this.#link.run('session.list', (redis) =>
        redis.zrevrangebyscore(
          key,
          before === undefined ? '+inf' : String(before.createdAt),
          '-inf',
          'WITHSCORES',
          'LIMIT',
          offset,
          step,
        ),
      );
      for (let i = 0; i < rows.length; i += 2) {
        const place = { id: rows[i] ?? '', createdAt: Number(rows[i + 1]) };
        if (before === undefined || comesAfter(place, before)) places.push(place);
      }
      if (places.length >= count || rows.length < 2 * step) return places.slice(0, count);
    }
  }

  async #write(args: (string | number)[]): Promise<void> {
    const keys = [this.#active, this.#expiry, ...STATES.map((state) => this.#byState[state])];
    await this.#link.run('session.index', (redis) => indexScript.run(redis, keys, args));
  }
}

/** Text that a pattern of Redis takes as it is. */
const escaped = (text: string): string => text.replace(/[\\*?[\]]/g, '\\$&');
