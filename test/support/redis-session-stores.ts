import { RedisLink } from '../../signalling/redis-link.ts';
import { RedisSessionStore } from '../../signalling/redis-session-store.ts';
import type { RedisSessionStoreOptions } from '../../signalling/redis-session-store.ts';
import { parseRedisTarget } from '../../signalling/redis-target.ts';
import { memoryLog } from './running-server.ts';

export const SESSION_TTL_MS = 60_000;

export const openLink = async (url: string): Promise<RedisLink> => {
  const target = parseRedisTarget(url);
  if (target === undefined) throw new Error(`Not a Redis: ${url}`);
  return RedisLink.open({ target, log: memoryLog() });
};

/** The store of pod-a. */
export const storeOn = (link: RedisLink, options: Partial<RedisSessionStoreOptions> = {}): RedisSessionStore =>
  new RedisSessionStore({
    link,
    podId: 'pod-a',
    sessionTtlMs: SESSION_TTL_MS,
    queueKey: 'voice_sessions',
    ...options,
  });

export const rejection = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
