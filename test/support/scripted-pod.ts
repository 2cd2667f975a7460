/** A pod that says on the bus, and writes to Redis, what a test has it say: one that dies, misbehaves, or is of another version. */
import { setTimeout as pause } from 'node:timers/promises';
import type { MessageBus } from '../../signalling/message-bus.ts';
import { RedisLink } from '../../signalling/redis-link.ts';
import { openRedisMessageBus } from '../../signalling/redis-message-bus.ts';
import { RedisSessionStore } from '../../signalling/redis-session-store.ts';
import { parseRedisTarget } from '../../signalling/redis-target.ts';
import type { SessionRecord } from '../../signalling/session.ts';
import { memoryLog } from './running-server.ts';
import { sessionRecord } from './session-record.ts';

export class ScriptedPod implements AsyncDisposable {
  readonly podId: string;
  readonly bus: MessageBus;
  readonly store: RedisSessionStore;
  readonly link: RedisLink;

  private constructor(podId: string, link: RedisLink, bus: MessageBus) {
    this.podId = podId;
    this.link = link;
    this.bus = bus;
    this.store = new RedisSessionStore({ link, podId, sessionTtlMs: 3_600_000, queueKey: 'voice_sessions' });
  }

  static async start(podId: string, url: string): Promise<ScriptedPod> {
    const log = memoryLog();
    const link = await RedisLink.open({ target: parseRedisTarget(url)!, log });
    return new ScriptedPod(podId, link, await openRedisMessageBus({ podId, link, log }));
  }

  /** A session that it leads. */
  async session(fields: Partial<SessionRecord> = {}): Promise<SessionRecord> {
    const nowMs = Date.now();
    const times = { createdAt: nowMs, updatedAt: nowMs, expiresAt: nowMs + 3_600_000 };
    const id = crypto.randomUUID();
    const record = sessionRecord({ id, ownerPod: this.podId, epoch: nowMs, ...times, ...fields });
    await this.store.create(record);
    return record;
  }

  /** Gives one sign of life, as a pod with room. */
  async announce(): Promise<void> {
    const load = { calls: 0, capacity: 100, loopDelayMs: 0, draining: false };
    const message = { id: this.podId, version: '0.0.0', startedAt: 1, beat: Date.now(), ...load };
    await this.link.run('announce', (redis) => redis.set(`pod:${this.podId}`, JSON.stringify(message), 'PX', 10_000));
    await this.link.run('announce', (redis) => redis.sadd('pods', this.podId));
    this.bus.publish('pod.announced', message);
  }

  /** Dies; nobody listens under its name any more. */
  async die(): Promise<void> {
    await this.bus.close();
    await this.link.close();
    await pause(50);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.die();
  }
}
