import { Router } from '@koa/router';
import { z } from 'zod';
import { requireApiKey } from './api-keys.ts';
import { HttpFailure } from './http-failure.ts';
import { reply } from './validation.ts';

export type DrainRoutesOptions = {
  apiKeys: readonly string[];
  start: () => void;
  /** Returns false where it is too late. */
  cancel: () => boolean;
  /** Sessions that this pod still leads with a client connected. */
  remaining: () => number;
};

export const drainState = z
  .object({ status: z.enum(['draining', 'serving']), remaining: z.number().int().describe('Calls still on this pod.') })
  .meta({ id: 'Drain' });

/** `/v2/drain`: empties this pod without ending it, and takes that back. */
export const drainRoutes = ({ apiKeys, start, cancel, remaining }: DrainRoutesOptions): Router => {
  const router = new Router({ prefix: '/v2/drain' });
  const guard = requireApiKey(apiKeys);

  router.post('/', guard, (ctx) => {
    start();
    reply(ctx, 202, drainState, { status: 'draining', remaining: remaining() });
  });

  router.delete('/', guard, (ctx) => {
    if (!cancel()) throw new HttpFailure(409, 'closing', 'The server is closing, which cannot be taken back.');
    reply(ctx, 200, drainState, { status: 'serving', remaining: remaining() });
  });

  return router;
};
