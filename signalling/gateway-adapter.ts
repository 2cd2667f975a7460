/** Lets what one pod broadcasts to its sockets reach those of all pods, by way of Redis. */
import { EventEmitter } from 'node:events';
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import type { ServerOptions } from 'socket.io';
import type { Log } from './log.ts';
import { RedisChannels } from './redis-channels.ts';
import type { ChannelKind } from './redis-channels.ts';
import type { RedisLink } from './redis-link.ts';

export type GatewayAdapterOptions = {
  /** Stays open when Socket.IO closes. */
  link: RedisLink;
  log: Log;
  /** Of Redis. Default: what the link has found out. */
  majorVersion?: number;
};

export type GatewayAdapter = {
  /** For the `adapter` of Socket.IO's options. */
  factory: NonNullable<ServerOptions['adapter']>;
  /** To be closed after Socket.IO. Idempotent. */
  close: () => void;
};

/** Sharded publish and subscribe came with it. */
const SHARDED_SINCE = 7;

/**
 * The adapter is sharded from Redis 7 on and classic before. Where Redis is away when this is asked for, a current one is
 * expected: pods that differ in this would not hear each other. While it is away, a broadcast reaches this pod's sockets.
 */
export const createGatewayAdapter = ({ link, log, majorVersion }: GatewayAdapterOptions): GatewayAdapter => {
  const channels = new RedisChannels({ link, log });
  const publisher = new AdapterPublisher(link, log);
  const subscriber = new AdapterSubscriber(channels, log);
  const version = majorVersion ?? link.majorVersion;
  if (version === undefined) log.warn({}, 'Redis is away: version 7 or later is assumed');
  const factory =
    (version ?? SHARDED_SINCE) >= SHARDED_SINCE
      ? // One channel for all rooms: broadcasts are few, and rooms are as many as sessions.
        createShardedAdapter(publisher, subscriber, { subscriptionMode: 'static' })
      : createAdapter(publisher, subscriber, { publishOnSpecificResponseChannel: true });
  return { factory, close: () => channels.close() };
};

/** What the adapters need of ioredis to send. They look after none of the promises, so none of these may be rejected. */
class AdapterPublisher extends EventEmitter {
  readonly #link: RedisLink;
  readonly #log: Log;

  constructor(link: RedisLink, log: Log) {
    super();
    this.#link = link;
    this.#log = log;
  }

  get isCluster(): boolean {
    return this.#link.kind === 'cluster';
  }

  publish(channel: string, message: string | Buffer): Promise<unknown> {
    return this.#send((redis) => redis.publish(channel, message));
  }

  spublish(channel: string, message: string | Buffer): Promise<unknown> {
    return this.#send((redis) => redis.spublish(channel, message));
  }

  /** The nodes of a Cluster, of each of which the adapter asks how many listen there. */
  nodes(): unknown[] {
    const { commands } = this.#link;
    if (!('nodes' in commands)) return [];
    return commands.nodes('master').map((node) => ({
      send_command: (name: string, args: string[]) => node.call(name, ...args),
    }));
  }

  // oxlint-disable-next-line typescript/naming-convention
  send_command(name: string, args: string[], callback: (error: unknown, reply?: unknown) => void): void {
    this.#link
      .run('broadcast', (redis) => redis.call(name, ...args))
      .then(
        (reply) => callback(null, reply),
        (error: unknown) => callback(error),
      );
  }

  async #send(command: Parameters<RedisLink['run']>[1]): Promise<unknown> {
    try {
      return await this.#link.run('broadcast', command);
    } catch (error) {
      this.#log.debug({ err: error }, 'a broadcast did not leave this pod');
      return 0;
    }
  }
}

/** What the adapters need of ioredis to listen, and what they lack: it is listened to again after each loss. */
class AdapterSubscriber extends EventEmitter {
  readonly #channels: RedisChannels;
  readonly #log: Log;
  readonly #stops = new Map<string, () => void>();

  constructor(channels: RedisChannels, log: Log) {
    // The classic adapter listens with an async function, which a strange message may fail.
    super({ captureRejections: true });
    this.#log = log;
    this.#channels = channels;
    // Each namespace adds its own.
    this.setMaxListeners(0);
  }

  [Symbol.for('nodejs.rejection')](error: unknown): void {
    this.#log.debug({ err: error }, 'what came from another pod for the sockets could not be taken');
  }

  subscribe(names: string | string[]): Promise<void> {
    return this.#listen('plain', names, (name, message) => this.emit('messageBuffer', Buffer.from(name), message));
  }

  ssubscribe(names: string | string[]): Promise<void> {
    return this.#listen('sharded', names, (name, message) => this.emit('smessageBuffer', Buffer.from(name), message));
  }

  psubscribe(patterns: string | string[]): Promise<void> {
    return this.#listen('pattern', patterns, (pattern, message, channel) =>
      this.emit('pmessageBuffer', pattern, channel, message),
    );
  }

  unsubscribe(names: string | string[]): Promise<void> {
    return this.#stop('plain', names);
  }

  sunsubscribe(names: string | string[]): Promise<void> {
    return this.#stop('sharded', names);
  }

  punsubscribe(patterns: string | string[]): Promise<void> {
    return this.#stop('pattern', patterns);
  }

  async #listen(
    kind: ChannelKind,
    names: string | string[],
    hear: (name: string, message: Buffer, channel: Buffer) => void,
  ): Promise<void> {
    for (const name of [names].flat()) {
      const key = `${kind} ${name}`;
      if (this.#stops.has(key)) continue;
      const stop = this.#channels.listen(
        () => kind,
        name,
        (message, channel) => hear(name, message, channel),
      );
      this.#stops.set(key, stop);
    }
  }

  async #stop(kind: ChannelKind, names: string | string[]): Promise<void> {
    for (const name of [names].flat()) {
      this.#stops.get(`${kind} ${name}`)?.();
      this.#stops.delete(`${kind} ${name}`);
    }
  }
}
