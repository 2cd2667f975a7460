import { Router } from '@koa/router';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { HttpFailure } from './http-failure.ts';
import type { SessionDesk } from './sessions-routes.ts';

export type DemoRoutesOptions = {
  desk: SessionDesk;
  /** Sessions that one address may open in a minute. Default 30: several people behind one address, but no flood. */
  sessionsPerMinute?: number;
};

const DEFAULT_SESSIONS_PER_MINUTE = 30;

/** `POST /demo/sessions`: a session with the default agent for whoever opens the page. The body is not looked at. */
export const demoRoutes = ({ desk, sessionsPerMinute = DEFAULT_SESSIONS_PER_MINUTE }: DemoRoutesOptions): Router => {
  const limiter = new RateLimiterMemory({ points: sessionsPerMinute, duration: 60 });
  const router = new Router();
  router.post('/demo/sessions', async (ctx) => {
    try {
      await limiter.consume(ctx.ip);
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      const seconds = Math.max(1, Math.ceil(error.msBeforeNext / 1000));
      throw new HttpFailure(429, 'too_many_requests', `Too many new sessions; try again in ${seconds} s.`, {
        'Retry-After': String(seconds),
      });
    }
    await desk.open(ctx, {});
  });
  return router;
};
