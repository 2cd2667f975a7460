/** The connections of this pod to Redis: one for commands, one to be told things. Never waits longer than it must. */
import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import { StoreUnavailable } from './errors.ts';
import type { Log } from './log.ts';
import type { RedisTarget } from './redis-target.ts';

export type RedisLinkOptions = {
  target: RedisTarget;
  log: Log;
  /** Told of every command: its name, how long it took, and how it ended. */
  onCommand?: (operation: string, seconds: number, outcome: 'ok' | 'refused' | 'unavailable') => void;
  nowMs?: () => number;
};

export type RedisLinkEvents = {
  up: [];
  down: [];
};

/** A command that has not been answered by then counts as failed: no call may wait for Redis. */
const COMMAND_TIMEOUT_MS = 250;
const CONNECT_TIMEOUT_MS = 1_000;
/** A pod that starts waits no longer for Redis than this: about two tries to connect. */
const OPEN_TIMEOUT_MS = 2_000;
/** Between two tries to connect, growing; a Redis that is back is found within half a second. */
const RETRY_MS = { first: 50, most: 500 };
/** Between two signs of life that are asked of both connections. */
const PROBE_MS = 1_000;
/**
 * A connection that looks alive, and on which no answer has come for so long, is taken for dead and made anew. Without it a
 * server that hangs would be waited for although Sentinel has put another in its place.
 */
const SILENCE_MS = 1_000;
/**
 * What Redis answers, as opposed to what its absence looks like. One that is a replica now (READONLY), cannot write to its
 * disk (MISCONF), has no memory left (OOM) or is busy with a script (BUSY) answers, too, but is as good as away until another
 * takes its place or it is mended.
 */
const REFUSAL = /^(ERR|WRONGTYPE|NOSCRIPT|NOAUTH|NOPERM|CROSSSLOT|STALE)\b/;

export class RedisLink extends EventEmitter<RedisLinkEvents> {
  readonly kind: RedisTarget['kind'];
  /** For commands: they fail at once while there is no connection. */
  readonly commands: Redis | Cluster;
  /** For subscriptions alone, by way of `RedisChannels`, which makes them again after each loss. */
  readonly subscriber: Redis | Cluster;
  readonly #options: RedisLinkOptions;
  readonly #nowMs: () => number;
  readonly #probe: NodeJS.Timeout;
  #up = false;
  #downSince: number | undefined;
  #steadySince: number | undefined;
  #runId: string | undefined;
  #majorVersion: number | undefined;
  /** What was last wrong with a connection. */
  #problem: string | undefined;
  #looking: Promise<void> | undefined;
  /** Connections made so far, those after a loss too. */
  connections = 0;
  #closed: Promise<void> | undefined;

  private constructor(options: RedisLinkOptions) {
    super();
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    this.kind = options.target.kind;
    this.commands = connect(options.target, { commandTimeout: COMMAND_TIMEOUT_MS });
    // RedisChannels subscribes again; where ioredis does so and the connection is lost meanwhile, the process ends.
    this.subscriber = connect(options.target, { autoResubscribe: false });
    for (const client of [this.commands, this.subscriber]) {
      client.on('error', (error: Error) => {
        this.#problem = error.message;
        options.log.debug({ err: forgetCommand(error) }, 'Redis');
      });
      client.on('connect', () => (this.connections += 1));
      client.on('ready', () => void this.#look());
      client.on('close', () => this.#lost());
    }
    this.#downSince = this.#nowMs();
    this.#probe = setInterval(() => void this.#look(), PROBE_MS);
    this.#probe.unref();
  }

  /** Connects. Resolves once connected, or when the first try failed or takes long: a pod starts without Redis, too. */
  static async open(options: RedisLinkOptions): Promise<RedisLink> {
    const link = new RedisLink(options);
    const connected = Promise.allSettled([link.commands.connect(), link.subscriber.connect()]);
    // With Sentinel the first try lasts until one of them answers.
    await Promise.race([connected, delay(OPEN_TIMEOUT_MS, undefined, { ref: false })]);
    await link.#look();
    // The look that each new connection brings may have been under way before the other one stood.
    if (!link.#up) await link.#look();
    // Nothing was lost that would tell of it, and a wrong password should not be found by the first caller.
    if (!link.#up) link.#tellAway();
    return link;
  }

  /** Whether the last sign of life of both connections is recent. */
  get isUp(): boolean {
    return this.#up;
  }

  /** Since when it has been away, Unix ms. */
  get downSince(): number | undefined {
    return this.#downSince;
  }

  /** Since when both connections have stood on the same Redis process, Unix ms; undefined while they do not. */
  get steadySince(): number | undefined {
    return this.#up ? this.#steadySince : undefined;
  }

  /** Of the server; undefined before the first answer. Sharded publish and subscribe came with 7. */
  get majorVersion(): number | undefined {
    return this.#majorVersion;
  }

  /**
   * Runs a command, timed and counted under the name of what it is for.
   * @throws {StoreUnavailable} when Redis does not answer in time
   * @throws what Redis refused, as it is
   */
  async run<Result>(operation: string, command: (redis: Redis | Cluster) => Promise<Result>): Promise<Result> {
    const startedMs = performance.now();
    const note = (outcome: 'ok' | 'refused' | 'unavailable') =>
      this.#options.onCommand?.(operation, (performance.now() - startedMs) / 1000, outcome);
    try {
      const result = await command(this.commands);
      note('ok');
      return result;
    } catch (error) {
      const refused = error instanceof Error && REFUSAL.test(error.message);
      forgetCommand(error);
      note(refused ? 'refused' : 'unavailable');
      if (refused) throw error;
      throw new StoreUnavailable(operation, { cause: error });
    }
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    clearInterval(this.#probe);
    this.removeAllListeners();
    this.#up = false;
    for (const client of [this.commands, this.subscriber]) client.disconnect();
  }

  /** Asks for a sign of life, and whether it is still the same Redis. */
  #look(): Promise<void> {
    this.#looking ??= this.#ask().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #ask(): Promise<void> {
    if (this.#closed) return;
    try {
      const info = await withTimeout(this.#info(), COMMAND_TIMEOUT_MS * 2);
      if (this.subscriber.status !== 'ready') throw new Error('the subscribing connection is not there yet');
      // In a cluster any connection might answer, and the one that is subscribed would not be the one that is asked.
      if (this.kind !== 'cluster') await withTimeout(this.subscriber.ping(), COMMAND_TIMEOUT_MS * 2);
      this.#found(info);
    } catch (error) {
      if (this.#up) this.#problem = (error as Error).message;
      this.#lost();
    }
  }

  /** Of a cluster every node has to answer, or it would be there and away by turns, as one or the other is asked. */
  async #info(): Promise<string> {
    if (!(this.commands instanceof Cluster)) {
      const [server, replication] = await Promise.all([
        this.commands.info('server'),
        this.commands.info('replication'),
      ]);
      // Writes would be refused, and each would have the connection made anew, to the same.
      if (/^role:slave/m.test(replication)) throw new Error('it is a replica, which takes no writes');
      return server;
    }
    const [info] = await Promise.all(this.commands.nodes('master').map((node) => node.info('server')));
    if (info === undefined) throw new Error('the cluster has no node yet');
    return info;
  }

  #found(info: string): void {
    if (this.#closed) return;
    const runId = /^run_id:(\w+)/m.exec(info)?.[1];
    this.#majorVersion = Number(/^(?:redis|valkey)_version:(\d+)/m.exec(info)?.[1]);
    // A cluster's nodes each have a run id of their own, and any of them may have answered.
    const sameServer = this.kind === 'cluster' || runId === this.#runId;
    this.#runId = runId;
    if (!this.#up || !sameServer) this.#steadySince = this.#nowMs();
    if (this.#up) return;
    this.#up = true;
    this.#downSince = undefined;
    this.#problem = undefined;
    this.#options.log.info({}, 'Redis is there');
    this.emit('up');
  }

  #tellAway(): void {
    this.#options.log.warn(
      { reason: this.#problem },
      'Redis is away: calls go on, and new sessions live in this server alone until it is back',
    );
  }

  #lost(): void {
    if (!this.#up || this.#closed) return;
    this.#up = false;
    this.#downSince = this.#nowMs();
    this.#steadySince = undefined;
    this.#tellAway();
    this.emit('down');
  }
}

type ConnectionOptions = Omit<RedisOptions, 'replyMapping'>;

const connect = (target: RedisTarget, own: ConnectionOptions): Redis | Cluster => {
  const { username, password, tls } = target;
  const common: ConnectionOptions = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_MS,
    // A master that has become a replica: the next connection finds the new one.
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableReadyCheck: true,
    ...own,
  };
  const retryStrategy = (times: number): number => Math.min(RETRY_MS.first * times, RETRY_MS.most);
  const lazy = { lazyConnect: true, enableOfflineQueue: false };
  if (target.kind === 'cluster') {
    return new Cluster(target.nodes, {
      ...lazy,
      clusterRetryStrategy: retryStrategy,
      // Without this the sharded adapter's subscriptions end the process.
      shardedSubscribers: true,
      redisOptions: common,
    });
  }
  if (target.kind === 'sentinel') {
    const { sentinels, master: name, db } = target;
    return new Redis({ ...common, ...lazy, retryStrategy, sentinelRetryStrategy: retryStrategy, sentinels, name, db });
  }
  return new Redis({ ...common, ...lazy, retryStrategy, ...target.address, db: target.db });
};

/** An error of ioredis carries the command with all that was to be written: what callers said, or a password. */
const forgetCommand = <Failure>(error: Failure): Failure => {
  if (error instanceof Error && 'command' in error) delete error.command;
  return error;
};

const withTimeout = async <Value>(promise: Promise<Value>, timeoutMs: number): Promise<Value> => {
  const { promise: overdue, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('no answer in time')), timeoutMs);
  try {
    return await Promise.race([promise, overdue]);
  } finally {
    clearTimeout(timer);
  }
};
