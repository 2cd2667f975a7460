import { Router } from '@koa/router';
import type { Middleware } from 'koa';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { SessionState } from '../signalling/protocol.ts';
import type { RedisLinkOptions } from '../signalling/redis-link.ts';
import { requireApiKey } from './api-keys.ts';

/** A number that some part keeps; read when somebody asks for the metrics. A name with `_total` only ever grows. */
export type GaugeSource = { name: string; help: string; read: () => number };

export type MetricsOptions = {
  sessionsByState: () => Promise<Record<SessionState, number>>;
};

/** Numbers for Prometheus. The parts that are measured know nothing of it: their numbers are asked for. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #claims: Counter<'cause'>;
  readonly #moves: Counter<'outcome'>;
  readonly #httpSeconds: Histogram<'method' | 'route' | 'status'>;
  readonly #redis: ReturnType<typeof redisMetrics>;

  constructor({ sessionsByState }: MetricsOptions) {
    collectDefaultMetrics({ register: this.#registry });
    this.#httpSeconds = new Histogram({
      name: 'parley_http_request_seconds',
      help: 'Time to answer an HTTP request.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2],
      registers: [this.#registry],
    });
    this.#claims = new Counter({
      name: 'parley_session_claims_total',
      help: 'Sessions that this pod took over, by cause.',
      labelNames: ['cause'],
      registers: [this.#registry],
    });
    this.#moves = new Counter({
      name: 'parley_session_moves_total',
      help: 'Sessions that this pod handed to others, by outcome.',
      labelNames: ['outcome'],
      registers: [this.#registry],
    });
    this.#redis = redisMetrics(this.#registry);
    const sessions = new Gauge({
      name: 'parley_sessions',
      help: 'Sessions in the store, by state.',
      labelNames: ['state'],
      registers: [this.#registry],
      collect: async () => {
        sessions.reset();
        try {
          for (const [state, count] of Object.entries(await sessionsByState())) sessions.set({ state }, count);
        } catch {
          // The store is away. That must not take the other numbers along, of which some say so.
        }
      },
    });
  }

  /** Counts a session that this pod took over. */
  readonly claimed = (cause: string): void => this.#claims.inc({ cause });

  /** Counts a session that this pod handed to another one, or tried to. */
  readonly moved = (outcome: string): void => this.#moves.inc({ outcome });

  /** Adds a number under `parley_<name>`. */
  watch({ name, help, read }: GaugeSource): void {
    const options = { name: `parley_${name}`, help, registers: [this.#registry] };
    if (name.endsWith('_total')) {
      // The part keeps the sum itself; it begins anew with a part that was replaced, as counters may.
      const collect = (): void => {
        counter.reset();
        counter.inc(read());
      };
      const counter: Counter = new Counter({ ...options, collect });
    } else {
      const gauge: Gauge = new Gauge({ ...options, collect: () => gauge.set(read()) });
    }
  }

  /** Counts a command to Redis: what it was for, how long it took, and how it ended. */
  readonly redisCommand: NonNullable<RedisLinkOptions['onCommand']> = (operation, seconds, outcome) => {
    this.#redis.operations.inc({ operation, outcome });
    this.#redis.seconds.observe({ operation }, seconds);
  };

  /** Counts a time that something of a session was written to Redis. */
  readonly persisted = (): void => this.#redis.persisted.inc();

  /** Adds how many connections to Redis were made. */
  watchRedis(link: { readonly connections: number }): void {
    const counter: Counter = new Counter({
      name: 'redis_connections_total',
      help: 'Connections to Redis that were made, those after a loss too.',
      registers: [this.#registry],
      collect: () => {
        counter.reset();
        counter.inc(link.connections);
      },
    });
  }

  /** Measures requests. Routes, not paths, are the label: their number is bounded. */
  measure(): Middleware {
    return async (ctx, next) => {
      const stop = this.#httpSeconds.startTimer();
      await next();
      const route: unknown = '_matchedRoute' in ctx ? ctx['_matchedRoute'] : undefined;
      stop({ method: ctx.method, route: typeof route === 'string' ? route : 'other', status: ctx.status });
    };
  }

  /** `GET /metrics`: numbers of a busy server tell of its business, so it takes a key where there are keys. */
  routes(apiKeys: readonly string[]): Router {
    const router = new Router();
    router.get('/metrics', requireApiKey(apiKeys), async (ctx) => {
      ctx.body = await this.#registry.metrics();
      ctx.set('Content-Type', this.#registry.contentType);
    });
    return router;
  }

  close(): void {
    this.#registry.clear();
  }
}

/** They go by the names that dashboards for Redis know, without the prefix. */
const redisMetrics = (registry: Registry) => ({
  persisted: new Counter({
    name: 'sessions_persisted_total',
    help: 'Times that something of a session was written to Redis, and Redis said so.',
    registers: [registry],
  }),
  operations: new Counter({
    name: 'redis_operations_total',
    help: 'Commands to Redis, by what they were for and how they ended: ok, refused, unavailable.',
    labelNames: ['operation', 'outcome'],
    registers: [registry],
  }),
  seconds: new Histogram({
    name: 'redis_latency_seconds',
    help: 'Time until Redis answered, or was given up.',
    labelNames: ['operation'],
    buckets: [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.02, 0.1, 0.25],
    registers: [registry],
  }),
});
