/** What joins this pod with others: Redis, or nothing, where it is by itself. */
import { createGatewayAdapter } from '../signalling/gateway-adapter.ts';
import type { GatewayAdapter } from '../signalling/gateway-adapter.ts';
import type { Log } from '../signalling/log.ts';
import { LoopDelay } from '../signalling/loop-delay.ts';
import { MemoryBusHub } from '../signalling/memory-message-bus.ts';
import type { MessageBus } from '../signalling/message-bus.ts';
import { LonePod } from '../signalling/pods.ts';
import type { Pods } from '../signalling/pods.ts';
import type { Outbox } from '../signalling/outbox.ts';
import { RedisLink } from '../signalling/redis-link.ts';
import type { RedisLinkOptions } from '../signalling/redis-link.ts';
import { openRedisMessageBus } from '../signalling/redis-message-bus.ts';
import { RedisOutbox } from '../signalling/redis-outbox.ts';
import { RedisPods } from '../signalling/redis-pods.ts';
import { RedisSharedCache } from '../signalling/redis-shared-cache.ts';
import { RedisSessionStore } from '../signalling/redis-session-store.ts';
import type { SessionStore } from '../signalling/session-store.ts';
import type { SharedCache } from '../signalling/shared-cache.ts';
import type { Config } from './config.ts';

export type FleetLinkOptions = {
  config: Config;
  podId: string;
  version: string;
  onCommand: NonNullable<RedisLinkOptions['onCommand']>;
  /** Told of every time that something of a session was written to Redis. */
  onPersisted: () => void;
  log: Log;
  nowMs: () => number;
};

/** How this pod stands, as it tells the others. */
export type OwnLoad = { calls: number; capacity: number; draining: boolean };

export type FleetLink = {
  podId: string;
  bus: MessageBus;
  /** Of the main thread. */
  loopDelay: LoopDelay;
  /** The store of all pods; absent: this pod is alone. */
  shared?: SessionStore;
  /** Of all pods; absent: this pod is alone. */
  outbox?: Outbox;
  /** Of all pods; absent: this pod is alone. */
  cache?: SharedCache;
  /** For health and metrics; absent: this pod is alone. */
  redis?: RedisLink;
  adapter?: GatewayAdapter;
  createPods: (load: () => OwnLoad) => Promise<Pods>;
  /** Idempotent. */
  close(): Promise<void>;
};

export const connectFleet = (options: FleetLinkOptions): Promise<FleetLink> =>
  options.config.redis === undefined ? alone(options) : together(options, options.config.redis);

const alone = async ({ podId, version, log, nowMs }: FleetLinkOptions): Promise<FleetLink> => {
  const loopDelay = new LoopDelay();
  const bus = new MemoryBusHub({ log }).connect(podId);
  const startedAt = nowMs();
  const createPods = async (load: () => OwnLoad) =>
    new LonePod(() => {
      const heardAt = nowMs();
      return { ...load(), loopDelayMs: loopDelay.p99Ms, id: podId, version, startedAt, heardAt };
    });
  const close = async () => {
    loopDelay.close();
    await bus.close();
  };
  return { podId, bus, loopDelay, createPods, close };
};

const together = async (
  { config, podId, version, onCommand, onPersisted, log, nowMs }: FleetLinkOptions,
  { target, queue, replyChannel, sessionTtlMs }: NonNullable<Config['redis']>,
): Promise<FleetLink> => {
  const loopDelay = new LoopDelay();
  const redis = await RedisLink.open({ target, log, onCommand, nowMs });
  const bus = await openRedisMessageBus({ podId, link: redis, log, replyChannel });
  const adapter = createGatewayAdapter({ link: redis, log });
  const { heartbeatIntervalMs: heartbeatMs } = config.voice;
  const createPods = (load: () => OwnLoad) => {
    const describe = () => ({ ...load(), loopDelayMs: loopDelay.p99Ms });
    return RedisPods.open({ podId, version, link: redis, bus, log, describe, heartbeatMs });
  };
  const shared = new RedisSessionStore({ link: redis, podId, sessionTtlMs, queueKey: queue, onPersisted, nowMs });
  const close = async () => {
    loopDelay.close();
    adapter.close();
    await bus.close();
    await redis.close();
  };
  const outbox = new RedisOutbox({ link: redis });
  const cache = new RedisSharedCache(redis);
  return { podId, bus, loopDelay, shared, outbox, cache, redis, adapter, createPods, close };
};
