import { createHash, timingSafeEqual } from 'node:crypto';
import type { Middleware } from 'koa';
import { HttpFailure } from './http-failure.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Lets only requests pass that carry one of the keys as `Authorization: Bearer`. Without any key everything passes: the
 * server then listens on this machine alone. The time that a comparison takes tells nothing: all keys are compared, by
 * digests of equal length.
 */
export const requireApiKey = (keys: readonly string[]): Middleware => {
  const known = keys.map(digest);
  return async (ctx, next) => {
    if (known.length === 0) return void (await next());
    const [, offered = ''] = /^Bearer +(\S+)$/i.exec(ctx.get('Authorization')) ?? [];
    const offeredDigest = digest(offered);
    const matches = known.filter((key) => timingSafeEqual(key, offeredDigest));
    if (matches.length === 0) {
      throw new HttpFailure(401, 'unauthorized', 'Send an API key as "Authorization: Bearer".', {
        'WWW-Authenticate': 'Bearer',
      });
    }
    await next();
  };
};
