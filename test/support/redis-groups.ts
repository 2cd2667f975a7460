/** Several redis-servers that belong together. */
import { Redis } from 'ioredis';
import { eventually } from './eventually.ts';
import { RedisServer, SENTINEL_MASTER } from './redis-server.ts';

const SLOTS = 16_384;

/** Asks one server one thing, over a connection of its own. */
export const ask = async (server: RedisServer, command: string, ...args: (string | number)[]): Promise<unknown> => {
  const redis = new Redis({ host: server.host, port: server.port, lazyConnect: true, retryStrategy: () => null });
  try {
    await redis.connect();
    return await redis.call(command, ...args);
  } finally {
    redis.disconnect();
  }
};

const info = async (server: RedisServer, section: string): Promise<string> =>
  String(await ask(server, 'INFO', section));

/** A master, a replica and a Sentinel that watches them; it takes a master that is gone for a second for dead. */
export class SentinelGroup implements AsyncDisposable {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly sentinel: RedisServer;

  readonly #servers: AsyncDisposableStack;

  private constructor(master: RedisServer, replica: RedisServer, sentinel: RedisServer, servers: AsyncDisposableStack) {
    this.master = master;
    this.replica = replica;
    this.sentinel = sentinel;
    this.#servers = servers;
  }

  static async start(): Promise<SentinelGroup> {
    await using servers = new AsyncDisposableStack();
    const master = servers.use(await RedisServer.start());
    const replica = servers.use(await RedisServer.start({ replicaOf: master.port }));
    await eventually(async () => /master_link_status:up/.test(await info(replica, 'replication')), 20_000);
    const sentinel = servers.use(await RedisServer.start({ sentinelFor: master.port }));
    // It learns of replicas from the master, which it asks every ten seconds.
    await eventually(async () => /slaves=1/.test(await info(sentinel, 'sentinel')), 30_000);
    return new SentinelGroup(master, replica, sentinel, servers.move());
  }

  get url(): string {
    return `redis+sentinel://${this.sentinel.host}:${this.sentinel.port}/${SENTINEL_MASTER}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#servers.disposeAsync();
  }
}

/** Masters that share the slots evenly. */
export class ClusterGroup implements AsyncDisposable {
  readonly nodes: readonly RedisServer[];

  readonly #servers: AsyncDisposableStack;

  private constructor(nodes: readonly RedisServer[], servers: AsyncDisposableStack) {
    this.nodes = nodes;
    this.#servers = servers;
  }

  static async start(size = 3): Promise<ClusterGroup> {
    await using servers = new AsyncDisposableStack();
    const nodes: RedisServer[] = [];
    while (nodes.length < size) nodes.push(servers.use(await RedisServer.start({ cluster: true })));
    const first = nodes[0]!;
    for (const [index, node] of nodes.entries()) {
      const [from, to] = [index, index + 1].map((n) => Math.floor((n * SLOTS) / size));
      await ask(node, 'CLUSTER', 'ADDSLOTSRANGE', from!, to! - 1);
      // Nodes that all begin with the same epoch would have to settle first which of them is right.
      await ask(node, 'CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
      if (node !== first) await ask(first, 'CLUSTER', 'MEET', node.host, node.port, node.busPort);
    }
    for (const node of nodes) {
      await eventually(async () => isWhole(String(await ask(node, 'CLUSTER', 'INFO')), size), 20_000);
    }
    return new ClusterGroup(nodes, servers.move());
  }

  get url(): string {
    return `redis+cluster://${this.nodes.map(({ host, port }) => `${host}:${port}`).join(',')}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#servers.disposeAsync();
  }
}

const isWhole = (clusterInfo: string, size: number): boolean =>
  clusterInfo.includes('cluster_state:ok') && clusterInfo.includes(`cluster_known_nodes:${size}`);
