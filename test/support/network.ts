/**
 * A network of its own for a test: hosts with addresses of their own, joined by a bridge in which packets can be dropped.
 * Partitions and losses are therefore real, and nobody else on the machine notices any of it. Made of network namespaces,
 * veth pairs and nftables: for that one has to be root on Linux.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { findProgram } from '../../scripts/setup/system-needs.mjs';
import { endAll, ip, NetworkHost } from './network-host.ts';
import { NetworkRules, type NetworkEnd, type Protocol } from './network-rules.ts';

/** The networks of all runs lie in 10.77.0.0/16, one in each 10.77.n.0/24. */
const SUBNET = '10.77';
const MOST_NETWORKS = 250;
/** The bridge's port to this process. Kernel names of devices have at most 15 characters. */
const OUTSIDE_PORT = 'outside';
const LONGEST_NAME = 10;

export class Network {
  /** The machine on which the test itself runs: one more end of the network, which it reaches like any host. */
  readonly outside: NetworkEnd & { address: string };
  readonly #number: number;
  readonly #bridge: string;
  readonly #hosts: NetworkHost[] = [];
  readonly #rules = new NetworkRules();
  #nextAddress = 2;
  /** One change after the other: each writes all rules. */
  #changing: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  private constructor(number: number) {
    this.#number = number;
    this.#bridge = namespaceOf(number, 'bridge');
    this.outside = { name: OUTSIDE_PORT, ports: [OUTSIDE_PORT], address: `${SUBNET}.${number}.1` };
  }

  /** Why there can be no such network here; undefined where there can. */
  static get missing(): string | undefined {
    if (process.platform !== 'linux') return 'networks of their own exist on Linux only';
    if (process.getuid?.() !== 0) return 'networks of their own need root';
    const lacking = ['ip', 'nft'].filter((program) => !findProgram([program, `/usr/sbin/${program}`]));
    if (lacking.length > 0) return `${lacking.join(' and ')} missing: apt-get install iproute2 nftables`;
    return undefined;
  }

  /** For `before` of tests that need one: skips them where there can be none, and says why. */
  static skipWithout(context: Mocha.Context): void {
    const { missing } = Network;
    if (missing === undefined) return;
    process.stderr.write(`SKIPPED: ${context.test?.parent?.fullTitle() ?? 'tests'}: ${missing}\n`);
    context.skip();
  }

  static async create(): Promise<Network> {
    const network = new Network(await claimNumber());
    try {
      await network.#build();
      return network;
    } catch (error) {
      await network.close();
      throw error;
    }
  }

  /** @param name letters, digits and `-`, at most 10 */
  async host(name: string): Promise<NetworkHost> {
    if (!/^[a-z][a-z\d-]*$/.test(name) || name.length > LONGEST_NAME)
      throw new Error(`"${name}" is no name for a host`);
    const host = await NetworkHost.create({
      name,
      namespace: namespaceOf(this.#number, name),
      bridge: this.#bridge,
      takeAddress: () => `${SUBNET}.${this.#number}.${this.#nextAddress++}`,
      onPorts: () => this.#apply(),
    });
    this.#hosts.push(host);
    return host;
  }

  /** Nothing gets from one to the other any more; what they had sent is gone, and neither is told. */
  cut(one: NetworkEnd, other: NetworkEnd, protocol?: Protocol): Promise<void> {
    this.#rules.cut(one, other, protocol);
    return this.#apply();
  }

  heal(one: NetworkEnd, other: NetworkEnd): Promise<void> {
    this.#rules.heal(one, other);
    return this.#apply();
  }

  /** Loses this part of all packets to and from a host, at random; 0 ends it. */
  loss(end: NetworkEnd, percent: number, protocol?: Protocol): Promise<void> {
    this.#rules.lose(end, percent, protocol);
    return this.#apply();
  }

  /** Ends what runs on its hosts and takes all of it away. Idempotent. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #build(): Promise<void> {
    const bridge = this.#bridge;
    await ip('netns', 'add', bridge);
    await ip('-n', bridge, 'link', 'add', 'bridge', 'type', 'bridge', 'forward_delay', '0');
    await ip('-n', bridge, 'link', 'set', 'bridge', 'up');
    const device = deviceOf(this.#number);
    await ip('link', 'set', `${device}p`, 'netns', bridge, 'name', OUTSIDE_PORT);
    await ip('-n', bridge, 'link', 'set', OUTSIDE_PORT, 'master', 'bridge', 'up');
    await ip('address', 'add', `${this.outside.address}/24`, 'dev', device);
    await ip('link', 'set', device, 'up');
    await this.#apply();
  }

  async #close(): Promise<void> {
    await this.#changing;
    await removeAll(this.#number, (namespace) => this.#hosts.find((host) => host.namespace === namespace));
  }

  #apply(): Promise<void> {
    const feeding = this.#changing.then(() => feed(this.#bridge, this.#rules.toString()));
    // A change that was refused is its caller's concern, not that of the next.
    this.#changing = feeding.catch(() => undefined);
    return feeding;
  }
}

/** The process id in the name tells later runs whether its owner is still there. */
function namespaceOf(number: number, host: string): string {
  return `parley-${number}-${process.pid}-${host}`;
}

function deviceOf(number: number): string {
  return `parley${number}`;
}

/** A number that no network has. The kernel makes no two devices of one name, so whoever made it owns the number. */
async function claimNumber(): Promise<number> {
  await removeAbandoned();
  for (let tried = 0; tried < MOST_NETWORKS; tried++) {
    const number = 1 + ((process.pid + tried) % MOST_NETWORKS);
    const device = deviceOf(number);
    try {
      await ip('link', 'add', device, 'type', 'veth', 'peer', 'name', `${device}p`);
      return number;
    } catch (error) {
      if (!/File exists/.test(String(error))) throw error;
    }
  }
  throw new Error(`all ${MOST_NETWORKS} networks are taken: see \`ip netns list\``);
}

/** What a run that was killed has left. */
async function removeAbandoned(): Promise<void> {
  const namespaces = await namespaceNames();
  const owners = namespaces.map((name) => /^parley-(\d+)-(\d+)-/.exec(name)).filter((match) => match !== null);
  const numbers = owners.filter(([, , pid]) => !isRunning(Number(pid))).map(([, number]) => Number(number));
  // Another run may be at it as well; what neither can remove costs one number.
  await Promise.allSettled([...new Set(numbers)].map((number) => removeAll(number, () => undefined)));
}

async function removeAll(number: number, hostOf: (namespace: string) => NetworkHost | undefined): Promise<void> {
  const names = (await namespaceNames()).filter((name) => name.startsWith(`parley-${number}-`));
  await Promise.all(
    names.map(async (name) => {
      const host = hostOf(name);
      if (host) return host.close();
      await endAll(name);
      await ip('netns', 'delete', name);
    }),
  );
  // The device goes by itself when its peer's namespace does, a moment later; the number is free once it has gone.
  await ip('link', 'delete', deviceOf(number)).catch(() => undefined);
}

async function namespaceNames(): Promise<string[]> {
  return (await ip('netns', 'list')).split('\n').map((line) => line.split(' ')[0] ?? '');
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function feed(namespace: string, rules: string): Promise<void> {
  const nft = spawn('ip', ['netns', 'exec', namespace, 'nft', '-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  nft.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  nft.stdin.end(rules);
  const [code] = (await once(nft, 'close')) as [number | null];
  if (code !== 0) throw new Error(`nft refused these rules: ${said}\n${rules}`);
}
