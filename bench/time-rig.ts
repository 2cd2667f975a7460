/** A server with Redis and callers, as measurements over a long time need them. */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisServer } from '../test/support/redis-server.ts';
import { Callers } from './callers/callers.ts';
import { CONVERSATION } from './callers/talk-pattern.ts';
import { footprint } from './footprint.ts';
import type { Interruptible } from './interruptible.ts';
import { ServerProcess } from './server-process.ts';
import type { Kept } from './struck-server.ts';
import type { Possessions } from './time-figures.ts';

/** The least that there is: sessions that have ended leave Redis before the measurement does. */
const REDIS_SESSION_TTL_S = 60;
/** Sockets that were closed, and what Redis lets go of when its time is over. */
const REST_MS = (REDIS_SESSION_TTL_S + 30) * 1000;
const WARM_UP_CALLS = 20;
const MAIN = new URL('./struck-server.ts', import.meta.url);

export class TimeRig {
  readonly server: ServerProcess;
  readonly callers: Callers;
  readonly #redis: Redis;

  private constructor(server: ServerProcess, callers: Callers, redis: Redis) {
    this.server = server;
    this.callers = callers;
    this.#redis = redis;
  }

  /** Everything is compiled, cached and connected once: some calls have come and gone. */
  static async start({ open, unlessInterrupted }: Interruptible, calls: number): Promise<TimeRig> {
    const redisServer = open.use(await RedisServer.start());
    const redis = open.adopt(new Redis(redisServer.url), async (client) => client.disconnect());
    const environment = {
      REDIS_URL: redisServer.url,
      TOKEN_SECRET: randomBytes(32).toString('hex'),
      REDIS_SESSION_TTL: String(REDIS_SESSION_TTL_S),
      WORKER_POOL_SIZE: '2',
      MEDIA_WORKERS: '2',
      MAX_SESSIONS_PER_WORKER: String(calls + 20),
    };
    const server = open.use(await ServerProcess.start(environment, MAIN));
    const callers = open.adopt(await Callers.launch(), (launched) => launched.close());
    const rig = new TimeRig(server, callers, redis);
    rig.arrive(Math.min(calls, WARM_UP_CALLS), 5);
    await unlessInterrupted(callers.standing(Math.min(calls, WARM_UP_CALLS)));
    await unlessInterrupted(rig.empty());
    return rig;
  }

  arrive(calls: number, perSecond: number, stayMs?: number): void {
    const stay = stayMs === undefined ? {} : { stayMs };
    this.callers.arrive({ url: this.server.url, pattern: CONVERSATION, calls, perSecond, ...stay });
  }

  /** All hang up, and what they held has been let go of. */
  async empty(): Promise<void> {
    this.callers.leave(100_000, 20);
    for (let { live } = await this.callers.report(); live > 0; { live } = await this.callers.report()) await pause(500);
    await pause(REST_MS);
  }

  /** @param tidy after all garbage was collected; only while nobody talks */
  async possessions(tidy = false): Promise<Possessions> {
    const { mediaWorkerPids: _pids, ...kept } = await this.server.ask<Kept>({ type: 'measure', tidy });
    return { ...(await footprint(this.server.pid)), ...kept, redisKeys: await this.#redis.dbsize() };
  }
}
