import { Router } from '@koa/router';
import { z } from 'zod';
import type { RedisStatus } from './redis-status.ts';
import { errorBody } from './session-schemas.ts';
import { reply } from './validation.ts';

/** What a server is doing: `starting` and `draining` are not ready for new sessions. */
export type Phase = 'starting' | 'serving' | 'draining';

export type HealthRoutesOptions = {
  version: string;
  phase: () => Phase;
  /** Sessions that have not ended. */
  activeSessions: () => Promise<number>;
  /** Open signalling connections. */
  activeConnections: () => number;
  /** Calls with a browser's media. */
  peerConnections: () => number;
  /** Places taken, 0 to 1. */
  occupancy: () => number;
  /** Absent: this server is by itself. */
  redis?: Pick<RedisStatus, 'isUp' | 'downSince' | 'stats'>;
  /** Sessions that Redis lacks. */
  unsaved: () => number;
  nowMs: () => number;
};

/** From here on the server counts as close to full. */
const DEGRADED_OCCUPANCY = 0.9;

export const health = z
  .object({
    status: z
      .enum(['healthy', 'degraded', 'draining'])
      .describe(
        '`degraded`: nine tenths of the places are taken, or Redis is away, full, or lacks what this server holds. `draining`: closing, no new sessions.',
      ),
    degraded_since: z.iso.datetime().optional().describe('Since when Redis has been away; absent while it is there.'),
    version: z.string(),
    active_sessions: z.number().int(),
    active_connections: z.number().int(),
    peer_connections: z.number().int(),
    redis: z
      .object({
        enabled: z.boolean(),
        healthy: z.boolean(),
        stats: z.object({
          connected_clients: z.number().int(),
          used_memory_human: z.string(),
          session_count: z.number().int(),
          is_connected: z.boolean(),
        }),
      })
      .describe(
        '`session_count` is of all servers that share this Redis, and `stats` are those last heard of while it is away. ' +
          'Without Redis `enabled` and `is_connected` are false while `healthy` is true: nothing is wrong, and an alarm ' +
          'on `healthy` stays quiet. `session_count` then counts the sessions in memory.',
      ),
    timestamp: z.iso.datetime(),
  })
  .meta({ id: 'Health' });

export const probe = z.object({ status: z.string() }).meta({ id: 'Probe' });

/** `/health` for people and dashboards, `/health/live` and `/health/ready` for an orchestrator. */
export const healthRoutes = (options: HealthRoutesOptions): Router => {
  const router = new Router({ prefix: '/health' });

  router.get('/', async (ctx) => reply(ctx, 200, health, await describeHealth(options)));

  router.get('/live', (ctx) => reply(ctx, 200, probe, { status: 'live' }));

  router.get('/ready', (ctx) => {
    const phase = options.phase();
    if (phase === 'serving') return reply(ctx, 200, probe, { status: 'ready' });
    return reply(ctx, 503, errorBody, { error: { code: 'not_ready', message: `The server is ${phase}.` } });
  });

  return router;
};

const describeHealth = async (options: HealthRoutesOptions): Promise<z.input<typeof health>> => {
  const { redis, version, nowMs } = options;
  const sessions = await options.activeSessions();
  const full = options.occupancy() >= DEGRADED_OCCUPANCY;
  const away = redis !== undefined && !redis.isUp;
  // It may be there and take nothing: full, or a replica.
  const lacks = options.unsaved() > 0;
  return {
    status: options.phase() === 'draining' ? 'draining' : full || away || lacks ? 'degraded' : 'healthy',
    ...(away && { degraded_since: new Date(redis.downSince ?? nowMs()).toISOString() }),
    version,
    active_sessions: sessions,
    active_connections: options.activeConnections(),
    peer_connections: options.peerConnections(),
    redis: redis ? await describeRedis(redis) : withoutRedis(sessions),
    timestamp: new Date(nowMs()).toISOString(),
  };
};

type RedisHealth = z.input<typeof health>['redis'];

const describeRedis = async (redis: NonNullable<HealthRoutesOptions['redis']>): Promise<RedisHealth> => {
  const { connectedClients, usedMemory, sessionCount } = await redis.stats();
  return {
    enabled: true,
    healthy: redis.isUp,
    stats: {
      connected_clients: connectedClients,
      used_memory_human: usedMemory,
      session_count: sessionCount,
      is_connected: redis.isUp,
    },
  };
};

const withoutRedis = (sessions: number): RedisHealth => ({
  enabled: false,
  healthy: true,
  stats: { connected_clients: 0, used_memory_human: '0B', session_count: sessions, is_connected: false },
});
