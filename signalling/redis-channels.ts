/**
 * What this pod listens to at Redis. It is kept in mind here and subscribed to again after each loss; ioredis forgets what
 * could not be subscribed to while Redis was away, and ends the process when its own repetition fails.
 */
import type { Log } from './log.ts';
import type { RedisLink } from './redis-link.ts';

export type RedisChannelsOptions = {
  link: RedisLink;
  log: Log;
  nowMs?: () => number;
};

/** As subscribed to: SUBSCRIBE, PSUBSCRIBE or SSUBSCRIBE. */
export type ChannelKind = 'plain' | 'pattern' | 'sharded';

/** The channel differs from the one that is listened to where that is a pattern. */
export type ChannelListener = (message: Buffer, channel: Buffer) => void;

type Channel = {
  name: string;
  /** Asked for when it is subscribed to: it may depend on the server. */
  kind: () => ChannelKind;
  /** As it was subscribed to; undefined while it is not. */
  subscribed: ChannelKind | undefined;
  listeners: Set<ChannelListener>;
};

/** A subscription that was refused is tried again after so long. */
const RETRY_MS = 250;

export class RedisChannels {
  readonly #link: RedisLink;
  readonly #log: Log;
  readonly #nowMs: () => number;
  readonly #channels = new Map<string, Channel>();
  readonly #mendedListeners = new Set<() => void>();
  /** Counts the connections: what was said to an earlier one is void. */
  #generation = 0;
  /** Since when everything has been listened to that was to be when the connection came; undefined until then. */
  #mendedAt: number | undefined;
  #mending: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ link, log, nowMs = Date.now }: RedisChannelsOptions) {
    this.#link = link;
    this.#log = log;
    this.#nowMs = nowMs;
    const { subscriber } = link;
    subscriber.on('messageBuffer', this.#onMessage);
    subscriber.on('pmessageBuffer', this.#onPatternMessage);
    subscriber.on('smessageBuffer', this.#onShardedMessage);
    subscriber.on('close', this.#onClose);
    subscriber.on('ready', this.#onReady);
    link.on('up', this.#onReady);
    if (subscriber.status === 'ready') this.#onReady();
  }

  /** Since when this pod has heard all that it wants to hear, Unix ms; undefined while it does not. */
  get steadySince(): number | undefined {
    const since = this.#link.steadySince;
    return since === undefined || this.#mendedAt === undefined ? undefined : Math.max(since, this.#mendedAt);
  }

  /** Takes effect as soon as Redis is there. Returns how to stop listening. */
  listen(kind: () => ChannelKind, name: string, listener: ChannelListener): () => void {
    let channel = this.#channels.get(name);
    if (!channel) {
      channel = { name, kind, subscribed: undefined, listeners: new Set() };
      this.#channels.set(name, channel);
      if (this.#link.subscriber.status === 'ready') void this.#subscribe(channel);
    }
    const { listeners } = channel;
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#drop(channel);
    };
  }

  /** Calls when all is listened to again after a loss. Returns how to stop that. */
  onMended(listener: () => void): () => void {
    this.#mendedListeners.add(listener);
    return () => this.#mendedListeners.delete(listener);
  }

  /** Resolves when all that is wanted is subscribed to, or as much of it as can be now. */
  async settled(): Promise<void> {
    await this.#mending;
  }

  /** Stops listening; the connection is the link's. Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    const { subscriber } = this.#link;
    subscriber.off('messageBuffer', this.#onMessage);
    subscriber.off('pmessageBuffer', this.#onPatternMessage);
    subscriber.off('smessageBuffer', this.#onShardedMessage);
    subscriber.off('close', this.#onClose);
    subscriber.off('ready', this.#onReady);
    this.#link.off('up', this.#onReady);
    for (const channel of this.#channels.values()) this.#drop(channel);
  }

  #mend(): Promise<void> {
    this.#mending ??= this.#subscribeAll().finally(() => (this.#mending = undefined));
    return this.#mending;
  }

  async #subscribeAll(): Promise<void> {
    const generation = this.#generation;
    // What is wanted by the time that the constructors around this one are through belongs to it, too.
    await Promise.resolve();
    const missing = Array.from(this.#channels.values()).filter(({ subscribed }) => subscribed === undefined);
    const done = await Promise.all(missing.map((channel) => this.#subscribe(channel)));
    if (this.#closed || generation !== this.#generation) return;
    if (!done.every(Boolean)) {
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => void this.#mend(), RETRY_MS);
      return;
    }
    if (this.#mendedAt !== undefined) return;
    this.#mendedAt = this.#nowMs();
    for (const listener of this.#mendedListeners) listener();
  }

  /** @returns whether it is listened to now, or no longer wanted */
  async #subscribe(channel: Channel): Promise<boolean> {
    const generation = this.#generation;
    const kind = channel.kind();
    const { subscriber } = this.#link;
    try {
      if (kind === 'plain') await subscriber.subscribe(channel.name);
      else if (kind === 'pattern') await subscriber.psubscribe(channel.name);
      else await subscriber.ssubscribe(channel.name);
      if (generation !== this.#generation) return false;
      channel.subscribed = kind;
      return true;
    } catch (error) {
      this.#log.debug({ err: error, channel: channel.name }, 'not subscribed at Redis yet');
      return this.#channels.get(channel.name) !== channel;
    }
  }

  #drop(channel: Channel): void {
    if (this.#channels.get(channel.name) !== channel) return;
    this.#channels.delete(channel.name);
    const { subscriber } = this.#link;
    const { name, subscribed } = channel;
    if (subscribed === undefined || subscriber.status !== 'ready') return;
    const unsubscribe =
      subscribed === 'plain'
        ? subscriber.unsubscribe(name)
        : subscribed === 'pattern'
          ? subscriber.punsubscribe(name)
          : subscriber.sunsubscribe(name);
    // A connection that is lost listens to nothing anyway.
    unsubscribe.catch((error: unknown) => this.#log.debug({ err: error, channel: name }, 'not unsubscribed at Redis'));
  }

  readonly #onReady = (): void => {
    if (!this.#closed && this.#link.subscriber.status === 'ready') void this.#mend();
  };

  readonly #onClose = (): void => {
    this.#generation += 1;
    this.#mendedAt = undefined;
    // A cluster's subscriptions live on connections of their own, and are made again by ioredis.
    if (this.#link.kind === 'cluster') return;
    for (const channel of this.#channels.values()) channel.subscribed = undefined;
  };

  readonly #onMessage = (channel: Buffer, message: Buffer): void => this.#hear(String(channel), channel, message);

  readonly #onShardedMessage = (channel: Buffer, message: Buffer): void =>
    this.#hear(String(channel), channel, message);

  readonly #onPatternMessage = (pattern: string | Buffer, channel: Buffer, message: Buffer): void =>
    this.#hear(String(pattern), channel, message);

  #hear(name: string, channel: Buffer, message: Buffer): void {
    for (const listener of this.#channels.get(name)?.listeners ?? []) {
      try {
        listener(message, channel);
      } catch (error) {
        this.#log.error({ err: error, channel: name }, 'a message at Redis could not be taken');
      }
    }
  }
}
