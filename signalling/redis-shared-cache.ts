import type { RedisLink } from './redis-link.ts';
import type { SharedCache } from './shared-cache.ts';

/** One string for each key, which Redis lets go of by itself. */
export class RedisSharedCache implements SharedCache {
  readonly #link: RedisLink;

  constructor(link: RedisLink) {
    this.#link = link;
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#link.run('cache.get', (redis) => redis.get(nameOf(key)))) ?? undefined;
  }

  async set(key: string, text: string, ttlMs: number): Promise<void> {
    await this.#link.run('cache.set', (redis) => redis.set(nameOf(key), text, 'PX', ttlMs));
  }

  async remove(key: string): Promise<void> {
    await this.#link.run('cache.remove', (redis) => redis.del(nameOf(key)));
  }
}

const nameOf = (key: string): string => `cache:${key}`;
