/** The pods of a fleet, by their heartbeats at Redis: `pods` names them, `pod:<id>` ends by itself when one falls silent. */
import { AbsentPods } from './absent-pods.ts';
import type { Log } from './log.ts';
import type { MessageBus } from './message-bus.ts';
import { decodePodMessage, parsePodMessage } from './pod-message.ts';
import type { PodMessage } from './pod-message.ts';
import type { Pod, PodLoad, Pods } from './pods.ts';
import type { RedisLink } from './redis-link.ts';
import { realTiming } from './timing.ts';
import type { Timing } from './timing.ts';

export type RedisPodsOptions = {
  podId: string;
  version: string;
  /** Stays open when this is closed. */
  link: RedisLink;
  /** Carries what cannot wait for the next heartbeat. Stays open as well. */
  bus: MessageBus;
  log: Log;
  /** How this pod stands now. */
  describe: () => PodLoad;
  /** Between two signs of life, in ms. */
  heartbeatMs: number;
  timing?: Timing;
};

const PODS_KEY = 'pods';
const podKey = (podId: string): string => `pod:${podId}`;
const ANNOUNCED = 'pod.announced';
const CLOSED = 'pod.closed';

/** Silent for so many heartbeats, a pod is left out. Fewer would take a late one for a dead one. */
const HEARTBEATS_TO_SILENCE = 2.5;
/** Between two complaints that another process has this pod's name, in ms. */
const TWIN_MS = 60_000;
/** At most one announcement in so many ms: on a busy pod every call that comes or goes asks for one. */
const ANNOUNCE_MS = 100;

export class RedisPods implements Pods {
  readonly #options: RedisPodsOptions;
  readonly #timing: Timing;
  readonly #startedAt: number;
  readonly #others = new Map<string, { message: PodMessage; heardAt: number }>();
  readonly #absent = new AbsentPods();
  readonly #stop: (() => void)[];
  /** Named in `pods` without a sign of life when last looked. */
  #silent = new Set<string>();
  #beat = 0;
  #toldAt = 0;
  #complainedAt = -Infinity;
  #reading: Promise<void> | undefined;
  #stopNextBeat: (() => void) | undefined;
  #stopAnnouncing: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  private constructor(options: RedisPodsOptions) {
    const { bus, link, timing = realTiming } = options;
    this.#options = options;
    this.#timing = timing;
    this.#startedAt = timing.nowMs();
    const onUp = (): void => void this.#beatNow();
    link.on('up', onUp);
    this.#stop = [
      bus.subscribe(ANNOUNCED, (payload, from) => {
        const message = parsePodMessage(payload);
        if (message?.id === from) this.#hear(message);
      }),
      bus.subscribe(CLOSED, (_payload, from) => {
        this.#others.delete(from);
        this.#absent.closed(from);
      }),
      () => link.off('up', onUp),
    ];
  }

  /** Resolves when this pod is known to the others and they to it, or Redis is found to be away. */
  static async open(options: RedisPodsOptions): Promise<RedisPods> {
    const pods = new RedisPods(options);
    await pods.#beatNow();
    return pods;
  }

  /** Why the list is of this pod alone; undefined while it is not, or is because there are no others. */
  get aloneBecause(): 'redis_away' | undefined {
    return this.#options.link.isUp ? undefined : 'redis_away';
  }

  list(): Pod[] {
    const nowMs = this.#timing.nowMs();
    const itself = podOf(this.#message(), nowMs);
    if (this.aloneBecause !== undefined) return [itself];
    const silentSince = nowMs - this.#options.heartbeatMs * HEARTBEATS_TO_SILENCE;
    const others = Array.from(this.#others.values(), ({ message, heardAt }) => podOf(message, heardAt));
    return [itself, ...others.filter(({ heardAt }) => heardAt > silentSince)];
  }

  absent(): string[] {
    const present = new Set(this.list().map(({ id }) => id));
    return this.#absent.list(present, this.#options.link.steadySince, this.#timing.nowMs());
  }

  announce(): void {
    if (this.#closed) return;
    const dueInMs = this.#toldAt + ANNOUNCE_MS - this.#timing.nowMs();
    this.#stopAnnouncing ??= this.#timing.after(Math.max(0, dueInMs), () => {
      this.#stopAnnouncing = undefined;
      void this.#attempt(() => this.#tell());
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { bus, link, podId } = this.#options;
    for (const stop of this.#stop) stop();
    this.#stopNextBeat?.();
    this.#stopAnnouncing?.();
    bus.publish(CLOSED, {});
    await this.#attempt(async () => {
      await link.run('pods', (redis) => redis.srem(PODS_KEY, podId));
      await link.run('pods', (redis) => redis.del(podKey(podId)));
    });
  }

  /** Gives a sign of life, reads those of the others, and has the next one follow. Never rejects. */
  async #beatNow(): Promise<void> {
    if (this.#closed) return;
    this.#stopNextBeat?.();
    this.#stopNextBeat = this.#timing.after(this.#options.heartbeatMs, () => void this.#beatNow());
    await this.#attempt(async () => {
      await this.#tell();
      this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
      await this.#reading;
    });
  }

  /** What fails is tried again with the next heartbeat, or ends by itself. */
  async #attempt(something: () => Promise<void>): Promise<void> {
    try {
      await something();
    } catch (error) {
      this.#options.log.debug({ err: error }, 'pods cannot be told or read at Redis just now');
    }
  }

  async #tell(): Promise<void> {
    const { link, bus, podId, heartbeatMs } = this.#options;
    this.#beat += 1;
    this.#toldAt = this.#timing.nowMs();
    const message = this.#message();
    bus.publish(ANNOUNCED, message);
    const ttlMs = Math.ceil(heartbeatMs * HEARTBEATS_TO_SILENCE);
    const [before] = await Promise.all([
      link.run('pods', (redis) => redis.get(podKey(podId))),
      link.run('pods', (redis) => redis.set(podKey(podId), JSON.stringify(message), 'PX', ttlMs)),
      link.run('pods', (redis) => redis.sadd(PODS_KEY, podId)),
    ]);
    this.#lookForTwin(before, message);
  }

  /**
   * An earlier process of this name may have left a sign of life, a living one leaves the next. Each of two would get what
   * is meant for the other, and lead its sessions.
   */
  #lookForTwin(before: string | null, { id, startedAt, beat }: PodMessage): void {
    const other = before === null ? undefined : decodePodMessage(before);
    if (beat === 1 || other === undefined || other.startedAt === startedAt) return;
    const nowMs = this.#timing.nowMs();
    if (nowMs - this.#complainedAt < TWIN_MS) return;
    this.#complainedAt = nowMs;
    this.#options.log.error({ podId: id }, 'another process has the name of this pod: give each a POD_ID of its own');
  }

  async #read(): Promise<void> {
    const { link, podId } = this.#options;
    const ids = (await link.run('pods', (redis) => redis.smembers(PODS_KEY))).filter((id) => id !== podId);
    const texts = await this.#readAll(ids);
    const silent = new Set<string>();
    for (const [index, id] of ids.entries()) {
      const message = decodePodMessage(texts[index] ?? '');
      if (message?.id === id) this.#hear(message);
      else silent.add(id);
    }
    for (const id of this.#others.keys()) if (!ids.includes(id) || silent.has(id)) this.#others.delete(id);
    // Twice without: it is not just late. If it lives all the same, its next sign of life names it again.
    const dead = ids.filter((id) => silent.has(id) && this.#silent.has(id));
    this.#silent = silent;
    if (dead.length > 0) await link.run('pods', (redis) => redis.srem(PODS_KEY, ...dead));
  }

  /** In a cluster each pod's key is in a slot of its own. */
  #readAll(ids: readonly string[]): Promise<(string | null)[]> {
    const { link } = this.#options;
    const keys = ids.map(podKey);
    if (keys.length === 0) return Promise.resolve([]);
    if (link.kind !== 'cluster') return link.run('pods', (redis) => redis.mget(...keys));
    return link.run('pods', (redis) => Promise.all(keys.map((key) => redis.get(key))));
  }

  #hear(message: PodMessage): void {
    if (message.id === this.#options.podId) return;
    const known = this.#others.get(message.id);
    // The other pod's clock is its own business: what counts is when something new was read here.
    if (known && known.message.startedAt === message.startedAt && message.beat <= known.message.beat) return;
    const heardAt = this.#timing.nowMs();
    this.#others.set(message.id, { message, heardAt });
    this.#absent.heard(message.id, heardAt);
  }

  #message(): PodMessage {
    const { podId: id, version, describe } = this.#options;
    return { id, version, startedAt: this.#startedAt, beat: this.#beat, ...describe() };
  }
}

const podOf = ({ beat: _beat, ...pod }: PodMessage, heardAt: number): Pod => ({ ...pod, heardAt });
