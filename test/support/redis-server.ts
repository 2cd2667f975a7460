/** The real redis-server, as Debian ships it, on a free port of loopback and in a folder of its own. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram, installAdvice } from '../../scripts/setup/system-needs.mjs';
import { freePort } from './free-port.ts';

export type RedisServerOptions = {
  /** Address to listen on. Default 127.0.0.1. */
  host?: string;
  /** Port of the server whose replica this one is. */
  replicaOf?: number;
  /** A node of a cluster, without slots yet. */
  cluster?: boolean;
  /** A Sentinel that watches the server on this port under the name `parley`. */
  sentinelFor?: number;
  /** Writes what it holds to its folder at once, so that `restart` finds it again. */
  keepsData?: boolean;
  /** Further arguments, such as `['--maxmemory', '2mb']`; they win over the others. */
  args?: string[];
};

export const SENTINEL_MASTER = 'parley';
/** A server that is not there after this long will not come; the machine may be busy. */
const START_TIMEOUT_MS = 20_000;

const started = new Set<RedisServer>();
process.once('exit', () => {
  for (const server of started) server.killNow();
});

export class RedisServer {
  readonly host: string;
  readonly port: number;
  readonly #options: RedisServerOptions;
  readonly #program: string;
  readonly #busPort: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'parley-redis-'));
  #process: ChildProcess | undefined;
  #output = '';

  private constructor(program: string, port: number, busPort: number, options: RedisServerOptions) {
    this.#program = program;
    this.#options = options;
    this.host = options.host ?? '127.0.0.1';
    this.port = port;
    this.#busPort = busPort;
  }

  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const program = findProgram(['redis-server']);
    if (program === undefined) {
      const need = { debian: 'redis-server', programs: ['redis-server'] };
      throw new Error(`There is no redis-server on this machine: ${installAdvice([need])}`);
    }
    const [port, busPort] = await Promise.all([freePort(), freePort()]);
    const server = new RedisServer(program, port, busPort, options);
    started.add(server);
    await server.#launch();
    return server;
  }

  get url(): string {
    return `redis://${this.host}:${this.port}`;
  }

  /** The port on which nodes of a cluster speak among themselves. */
  get busPort(): number {
    return this.#busPort;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Answers nobody from now on, while its connections stay. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  /** As a machine does that loses its power. Its folder stays. */
  async kill(): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const gone = once(running, 'exit');
    running.kill('SIGKILL');
    await gone;
  }

  /** Starts it again on its port, with what it wrote to its folder (`keepsData`), or with nothing. */
  async restart({ empty = false } = {}): Promise<void> {
    await this.kill();
    if (empty) {
      for (const name of ['dump.rdb', 'appendonlydir']) {
        rmSync(join(this.#folder, name), { recursive: true, force: true });
      }
    }
    await this.#launch();
  }

  /** Ends it for good and removes its folder. Idempotent. */
  async stop(): Promise<void> {
    await this.kill();
    this.#forget();
  }

  /** Without waiting: for a process that is about to end. */
  killNow(): void {
    this.#process?.kill('SIGKILL');
    this.#forget();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #forget(): void {
    started.delete(this);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #launch(): Promise<void> {
    this.#output = '';
    const running = spawn(this.#program, this.#arguments(), { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = running;
    running.stdout.on('data', (text: Buffer) => (this.#output += text.toString()));
    running.stderr.on('data', (text: Buffer) => (this.#output += text.toString()));
    running.on('error', (error) => (this.#output += String(error)));
    const deadlineMs = Date.now() + START_TIMEOUT_MS;
    while (!(await this.#answers())) {
      if (running.exitCode !== null || Date.now() > deadlineMs) {
        await this.stop();
        throw new Error(`redis-server did not start:\n${this.#output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  #arguments(): string[] {
    const { replicaOf, cluster, sentinelFor, keepsData, args = [] } = this.#options;
    const common = ['--port', `${this.port}`, '--bind', this.host, '--dir', this.#folder];
    if (sentinelFor !== undefined) {
      const path = join(this.#folder, 'sentinel.conf');
      writeFileSync(path, sentinelConfiguration(this.host, sentinelFor));
      return [path, '--sentinel', ...common, ...args];
    }
    return [
      ...common,
      '--save',
      '',
      '--appendonly',
      keepsData ? 'yes' : 'no',
      '--appendfsync',
      'always',
      // By default a master waits 5 s for further replicas.
      '--repl-diskless-sync-delay',
      '0',
      ...(replicaOf === undefined ? [] : ['--replicaof', this.host, `${replicaOf}`]),
      ...(cluster ? clusterArguments(this.#busPort) : []),
      ...args,
    ];
  }

  /** It listens, has read its data, and answers: that it wants a password counts, too. */
  async #answers(): Promise<boolean> {
    const socket = connect(this.port, this.host);
    try {
      const arrived = once(socket, 'data', { signal: AbortSignal.timeout(1_000) });
      socket.write('PING\r\n');
      const [answer] = (await arrived) as [Buffer];
      return /^(\+PONG|-NOAUTH)/.test(answer.toString());
    } catch {
      // Not yet.
      return false;
    } finally {
      socket.destroy();
    }
  }
}

const sentinelConfiguration = (host: string, port: number): string =>
  [
    `sentinel monitor ${SENTINEL_MASTER} ${host} ${port} 1`,
    `sentinel down-after-milliseconds ${SENTINEL_MASTER} 1000`,
    `sentinel failover-timeout ${SENTINEL_MASTER} 5000`,
    '',
  ].join('\n');

const clusterArguments = (busPort: number): string[] => [
  '--cluster-enabled',
  'yes',
  '--cluster-port',
  `${busPort}`,
  '--cluster-config-file',
  'nodes.conf',
  '--cluster-node-timeout',
  '5000',
];
