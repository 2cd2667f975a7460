/** The pods of a fleet, by their heartbeats at Redis: `pods` names them, `pod:<id>` ends by itself when one falls silent. */
import { AbsentPods } from './absent-pods.ts';
import { StoreUnavailable } from './errors.ts';
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
/** Between two equal complaints, in ms. */
const COMPLAINT_MS = 60_000;
/** Names that are read, asked about, or taken off the list, in one command. */
const NAMES_AT_A_TIME = 1_000;
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
  readonly #complainedAt = new Map<string, number>();
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
      if (error instanceof StoreUnavailable)
        return this.#options.log.debug({ err: error }, 'pods cannot be told or read at Redis just now');
      this.#complain({ err: error }, 'pods cannot be told or read at Redis: this one may be by itself');
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
    this.#complain({ podId: id }, 'another process has the name of this pod: give each a POD_ID of its own');
  }

  #complain(details: object, complaint: string): void {
    const nowMs = this.#timing.nowMs();
    if (nowMs - (this.#complainedAt.get(complaint) ?? -Infinity) < COMPLAINT_MS) return;
    this.#complainedAt.set(complaint, nowMs);
    this.#options.log.error(details, complaint);
  }

  async #read(): Promise<void> {
    const { link, podId } = this.#options;
    const ids = (await this.#names()).filter((id) => id !== podId);
    const texts = await this.#readAll(ids);
    const silent = new Set<string>();
    for (const [index, id] of ids.entries()) {
      const message = decodePodMessage(texts[index] ?? '');
      if (message?.id === id) this.#hear(message);
      else silent.add(id);
    }
    const named = new Set(ids);
    for (const id of this.#others.keys()) if (!named.has(id) || silent.has(id)) this.#others.delete(id);
    // Twice without: it is not just late. If it lives all the same, its next sign of life names it again.
    const dead = ids.filter((id) => silent.has(id) && this.#silent.has(id));
    this.#silent = silent;
    for (const names of inParts(dead)) await link.run('pods', (redis) => redis.srem(PODS_KEY, ...names));
  }

  /** Bit by bit: all at once, a list that somebody has filled would hold up everything else that comes from Redis. */
  async #names(): Promise<string[]> {
    const names = new Set<string>();
    let cursor = '0';
    do {
      const from = cursor;
      const [next, some] = await this.#options.link.run('pods', (redis) =>
        redis.sscan(PODS_KEY, from, 'COUNT', NAMES_AT_A_TIME),
      );
      for (const name of some) names.add(name);
      cursor = next;
    } while (cursor !== '0');
    return [...names];
  }

  /** In a cluster each pod's key is in a slot of its own. */
  async #readAll(ids: readonly string[]): Promise<(string | null)[]> {
    const { link } = this.#options;
    const texts: (string | null)[] = [];
    for (const names of inParts(ids)) {
      const keys = names.map(podKey);
      const read = link.run('pods', (redis) =>
        link.kind === 'cluster' ? Promise.all(keys.map((key) => redis.get(key))) : redis.mget(...keys),
      );
      texts.push(...(await read));
    }
    return texts;
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

/** However many names somebody has put into the list: a command takes no more than so many. */
const inParts = (names: readonly string[]): string[][] =>
  Array.from({ length: Math.ceil(names.length / NAMES_AT_A_TIME) }, (_, part) =>
    names.slice(part * NAMES_AT_A_TIME, (part + 1) * NAMES_AT_A_TIME),
  );

const podOf = ({ beat: _beat, ...pod }: PodMessage, heardAt: number): Pod => ({ ...pod, heardAt });
