import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { createApp } from '../../server/app.ts';
import { healthRoutes } from '../../server/health-routes.ts';
import { Metrics } from '../../server/metrics.ts';
import { OriginPolicy } from '../../server/origins.ts';
import { RedisStatus } from '../../server/redis-status.ts';
import type { SessionState } from '../../signalling/protocol.ts';
import { RedisLink } from '../../signalling/redis-link.ts';
import { parseRedisTarget } from '../../signalling/redis-target.ts';
import { eventually } from '../support/eventually.ts';
import { RedisServer } from '../support/redis-server.ts';
import { memoryLog } from '../support/running-server.ts';

const COUNTS: Record<SessionState, number> = { queued: 7, ready: 1, live: 3, interrupted: 1, ended: 9 };

describe('Redis in /health and /metrics', () => {
  let redis: RedisServer;
  let opened: AsyncDisposableStack;
  let link: RedisLink;
  let status: RedisStatus;
  let counts: () => Promise<Record<SessionState, number>>;
  let origin: string;

  beforeEach(async () => {
    opened = new AsyncDisposableStack();
    redis = opened.use(await RedisServer.start());
    const metrics = new Metrics({
      sessionsByState: async () => {
        await link.run('session.counts', (commands) => commands.ping());
        return COUNTS;
      },
    });
    opened.defer(() => metrics.close());
    const log = memoryLog();
    link = await RedisLink.open({ target: parseRedisTarget(redis.url)!, log, onCommand: metrics.redisCommand });
    metrics.watchRedis(link);
    opened.defer(() => link.close());
    counts = async () => COUNTS;
    status = new RedisStatus({ link, sessions: { counts: () => counts() }, nowMs: Date.now });
    const health = healthRoutes({
      version: '1.2.3',
      phase: () => 'serving',
      activeSessions: async () => 2,
      activeConnections: () => 1,
      peerConnections: () => 1,
      unsaved: () => 0,
      occupancy: () => 0,
      redis: status,
      nowMs: Date.now,
    });
    const routers = [health, metrics.routes([])];
    const origins = new OriginPolicy({ allowedOrigins: [], loopbackOnly: true });
    const app = createApp({
      routers,
      origins,
      strictTransport: false,
      measure: metrics.measure(),
      log,
      nowMs: Date.now,
    });
    const handle = app.callback();
    const server = createServer((request, response) => void handle(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.defer(() => {
      server.closeAllConnections();
      server.close();
    });
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(async () => opened.disposeAsync());

  type Health = {
    status: string;
    degraded_since?: string;
    redis: { healthy: boolean; stats: Record<string, unknown> };
  };
  const askHealth = async (): Promise<Health> => (await fetch(`${origin}/health`)).json() as Promise<Health>;

  it('says how Redis is', async () => {
    const { stats, ...rest } = (await askHealth()).redis;
    expect(rest).to.deep.equal({ enabled: true, healthy: true });
    expect(stats).to.include({ session_count: 5, is_connected: true });
    // One for commands and one to be told things; another may just have looked whether Redis has started.
    expect(stats['connected_clients']).to.be.within(2, 3);
    expect(stats['used_memory_human']).to.match(/^[\d.]+[BKMG]$/);
    expect(await askHealth())
      .to.include({ status: 'healthy' })
      .and.to.not.have.property('degraded_since');
  });

  it('says that it is away, and since when; and is well again when it is back', async () => {
    await askHealth();
    const killedAt = Date.now();
    await redis.kill();
    await eventually(async () => (await askHealth()).status === 'degraded');
    const { degraded_since: since, redis: block } = await askHealth();
    expect(Date.parse(since!)).to.be.within(killedAt - 1, Date.now());
    expect(block.healthy).to.equal(false);
    expect(block.stats).to.include({ is_connected: false, session_count: 5 });
    expect((await fetch(`${origin}/health/ready`)).status).to.equal(200);
    expect((await fetch(`${origin}/health/live`)).status).to.equal(200);
    await redis.restart();
    await eventually(async () => (await askHealth()).status === 'healthy');
  });

  it('answers though Redis hangs, or the store does', async () => {
    counts = () => new Promise(() => {});
    expect((await askHealth()).redis.stats).to.include({ session_count: 0, is_connected: true });
    redis.pause();
    expect(await askHealth()).to.have.property('status');
    await eventually(async () => (await askHealth()).status === 'degraded');
    redis.resume();
  });

  it('asks once for all who ask within a second', async () => {
    let asked = 0;
    counts = async () => {
      asked += 1;
      return COUNTS;
    };
    await Promise.all(Array.from({ length: 20 }, () => askHealth()));
    expect(asked).to.equal(1);
  });

  it('counts connections, commands by what they were for and how they ended, and their time', async () => {
    await link.run('greet', (commands) => commands.ping());
    await link.run('misuse', (commands) => commands.call('NOSUCH')).catch(() => undefined);
    const text = await (await fetch(`${origin}/metrics`)).text();
    expect(text).to.include('redis_connections_total 2');
    expect(text).to.include('parley_sessions{state="live"} 3');
    expect(text).to.include('redis_operations_total{operation="greet",outcome="ok"} 1');
    expect(text).to.include('redis_operations_total{operation="misuse",outcome="refused"} 1');
    expect(text).to.include('redis_latency_seconds_count{operation="greet"} 1');
    await redis.kill();
    await link.run('greet', (commands) => commands.ping()).catch(() => undefined);
    const after = await (await fetch(`${origin}/metrics`)).text();
    expect(after).to.include('redis_operations_total{operation="greet",outcome="unavailable"} 1');
    expect(after).to.not.include('parley_sessions{');
  });
});
