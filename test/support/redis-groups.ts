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

  private constructor(master: RedisServer, replica: RedisServer, sentinel: RedisServer) {
    this.master = master;
    this.replica = replica;
    this.sentinel = sentinel;
  }

  static async start(): Promise<SentinelGroup> {
    const master = await RedisServer.start();
    const replica = await RedisServer.start({ replicaOf: master.port });
    await eventually(async () => /master_link_status:up/.test(await info(replica, 'replication')));
    const sentinel = await RedisServer.start({ sentinelFor: master.port });
    await eventually(async () => /slaves=1/.test(await info(sentinel, 'sentinel')));
    return new SentinelGroup(master, replica, sentinel);
  }

  get url(): string {
    return `redis+sentinel://${this.sentinel.host}:${this.sentinel.port}/${SENTINEL_MASTER}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.sentinel, this.replica, this.master].map((server) => server.stop()));
  }
}

/** Masters that share the slots evenly. */
export class ClusterGroup implements AsyncDisposable {
  readonly nodes: readonly RedisServer[];

  private constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes;
  }

  static async start(size = 3): Promise<ClusterGroup> {
    const nodes = await Promise.all(Array.from({ length: size }, () => RedisServer.start({ cluster: true })));
    const first = nodes[0]!;
    for (const [index, node] of nodes.entries()) {
      const [from, to] = [index, index + 1].map((n) => Math.floor((n * SLOTS) / size));
      await ask(node, 'CLUSTER', 'ADDSLOTSRANGE', from!, to! - 1);
      // Nodes that all begin with the same epoch would have to settle first which of them is right.
      await ask(node, 'CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
      if (node !== first) await ask(first, 'CLUSTER', 'MEET', node.host, node.port, node.busPort);
    }
    for (const node of nodes) await eventually(async () => isWhole(String(await ask(node, 'CLUSTER', 'INFO')), size));
    return new ClusterGroup(nodes);
  }

  get url(): string {
    return `redis+cluster://${this.nodes.map(({ host, port }) => `${host}:${port}`).join(',')}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }
}

const isWhole = (clusterInfo: string, size: number): boolean =>
  clusterInfo.includes('cluster_state:ok') && clusterInfo.includes(`cluster_known_nodes:${size}`);
