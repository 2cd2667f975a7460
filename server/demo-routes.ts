import { isIP } from 'node:net';
import { Router } from '@koa/router';
import { z } from 'zod';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Agents } from './agents.ts';
import { HttpFailure } from './http-failure.ts';
import type { SessionDesk } from './sessions-routes.ts';
import { reply } from './validation.ts';

export type DemoRoutesOptions = {
  desk: SessionDesk;
  agents: Agents;
  /** Sessions that one address, or one network of IPv6, may open in a minute. Default 30: several people behind one address, but no flood. */
  sessionsPerMinute?: number;
};

const DEFAULT_SESSIONS_PER_MINUTE = 30;

/** Whom the page's visitors talk to, in words for them. */
export const demoAgent = z
  .object({
    name: z.string(),
    description: z.string(),
    responder: z.enum(['parrot', 'llm']).describe('`parrot`: embedded. `llm`: a language model of a vendor.'),
  })
  .meta({ id: 'DemoAgent' });

/**
 * `POST /demo/sessions`: a session with the default agent for whoever opens the page. The body is not looked at.
 * `GET /demo/agent`: who that is.
 */
export const demoRoutes = ({
  desk,
  agents,
  sessionsPerMinute = DEFAULT_SESSIONS_PER_MINUTE,
}: DemoRoutesOptions): Router => {
  const limiter = new RateLimiterMemory({ points: sessionsPerMinute, duration: 60 });
  const router = new Router();
  router.post('/demo/sessions', async (ctx) => {
    try {
      await limiter.consume(networkOf(ctx.ip));
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      const seconds = Math.max(1, Math.ceil(error.msBeforeNext / 1000));
      throw new HttpFailure(429, 'too_many_requests', `Too many new sessions; try again in ${seconds} s.`, {
        'Retry-After': String(seconds),
      });
    }
    await desk.open(ctx, {});
  });
  router.get('/demo/agent', async (ctx) => {
    const { config } = await agents.resolve({ agent: agents.defaultName });
    reply(ctx, 200, demoAgent, config);
  });
  return router;
};

/** Whoever has one IPv6 address has at least the 2^64 that share its first half, and counts as one. */
export const networkOf = (address: string): string => {
  if (isIP(address) !== 6 || address.startsWith('::ffff:')) return address;
  const [head = '', tail = ''] = (address.split('%')[0] ?? '').split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === '' ? [] : tail.split(':');
  const missing = Math.max(0, 8 - first.length - last.length);
  const groups = [...first, ...(address.includes('::') ? Array<string>(missing).fill('0') : []), ...last];
  return `${groups.slice(0, 4).join(':')}::/64`;
};
