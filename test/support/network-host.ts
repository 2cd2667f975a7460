/** One host of a test's network: a network namespace with addresses of its own, in which programs run. */
import { execFile, spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { NetworkEnd } from './network-rules.ts';

const run = promisify(execFile);

/** How long a process that was asked to end has before it is killed, when its host is closed. */
const PATIENCE_MS = 2_000;

export type NetworkHostOptions = {
  name: string;
  /** Of this host, and of the bridge: names of network namespaces. */
  namespace: string;
  bridge: string;
  /** A free address of the network, such as `10.77.3.5`. */
  takeAddress: () => string;
  /** Told before packets get through a new link, so that what is dropped for this host is dropped there, too. */
  onPorts: () => Promise<void>;
};

type Link = { device: string; port: string; address: string };

export class NetworkHost implements NetworkEnd {
  readonly name: string;
  readonly namespace: string;
  readonly #options: NetworkHostOptions;
  readonly #links: Link[] = [];
  #linksMade = 0;
  #folder: string | undefined;

  private constructor(options: NetworkHostOptions) {
    this.#options = options;
    this.name = options.name;
    this.namespace = options.namespace;
  }

  /** Made by `Network.host`. */
  static async create(options: NetworkHostOptions): Promise<NetworkHost> {
    await ip('netns', 'add', options.namespace);
    const host = new NetworkHost(options);
    await ip('-n', host.namespace, 'link', 'set', 'lo', 'up');
    await host.addLink();
    return host;
  }

  /** Where the others reach it: the address of its oldest link. */
  get address(): string {
    const [link] = this.#links;
    if (!link) throw new Error(`${this.name} has no link left`);
    return link.address;
  }

  get ports(): string[] {
    return this.#links.map(({ port }) => port);
  }

  /** Joins it to the network once more, as a second network card would. @returns the new address */
  async addLink(): Promise<string> {
    const { namespace, bridge, name, takeAddress, onPorts } = this.#options;
    const number = this.#linksMade++;
    const link = { device: `eth${number}`, port: `${name}.${number}`, address: takeAddress() };
    this.#links.push(link);
    await onPorts();
    await ip(
      'link',
      'add',
      link.port,
      'netns',
      bridge,
      'type',
      'veth',
      'peer',
      'name',
      link.device,
      'netns',
      namespace,
    );
    await ip('-n', bridge, 'link', 'set', link.port, 'master', 'bridge', 'up');
    await ip('-n', namespace, 'address', 'add', `${link.address}/24`, 'dev', link.device);
    await ip('-n', namespace, 'link', 'set', link.device, 'up');
    return link.address;
  }

  /** Takes a link away, and its address with it, as pulling out a cable and leaving the network would. */
  async removeLink(address: string): Promise<void> {
    const index = this.#links.findIndex((link) => link.address === address);
    const [link] = index < 0 ? [] : this.#links.splice(index, 1);
    if (!link) throw new Error(`${this.name} has no address ${address}`);
    await ip('-n', this.namespace, 'link', 'delete', link.device);
  }

  /** Runs a program to its end. @returns what it printed. Rejects where it fails. */
  async exec(program: string, args: readonly string[]): Promise<string> {
    const { stdout } = await run('ip', ['netns', 'exec', this.namespace, program, ...args]);
    return stdout;
  }

  /** Starts a program. The process is the program itself: signals reach it, and its id is the program's. */
  spawn(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return spawn('ip', ['netns', 'exec', this.namespace, program, ...args], options);
  }

  /** Ids of all processes that run here. */
  pids(): Promise<number[]> {
    return pidsOf(this.namespace);
  }

  /** A script that runs `program` here, for whoever wants the path of a program. */
  async wrapperOf(program: string): Promise<string> {
    this.#folder ??= await mkdtemp(join(tmpdir(), 'parley-host-'));
    const path = join(this.#folder, program.replaceAll('/', '_'));
    await writeFile(path, `#!/bin/sh\nexec ip netns exec ${this.namespace} '${program}' "$@"\n`);
    await chmod(path, 0o755);
    return path;
  }

  /** Ends what still runs here, then takes the host away. */
  async close(): Promise<void> {
    await endAll(this.namespace);
    await ip('netns', 'delete', this.namespace);
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Ends the processes of a namespace: those only, for nobody else knows of it. */
export async function endAll(namespace: string): Promise<void> {
  const deadlineMs = Date.now() + PATIENCE_MS;
  for (let pids = await pidsOf(namespace); pids.length > 0; pids = await pidsOf(namespace)) {
    for (const pid of pids) signal(pid, Date.now() < deadlineMs ? 'SIGTERM' : 'SIGKILL');
    // One that was stopped takes no notice of a SIGTERM until it goes on.
    for (const pid of pids) signal(pid, 'SIGCONT');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function pidsOf(namespace: string): Promise<number[]> {
  return (await ip('netns', 'pids', namespace)).split('\n').filter(Boolean).map(Number);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile, which is what was wanted.
  }
}

/** @returns what `ip` printed. Rejects with what it said where it refused. */
export async function ip(...args: string[]): Promise<string> {
  const { stdout } = await run('ip', args);
  return stdout;
}
