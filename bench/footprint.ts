/** What a server takes of its machine, with all its processes: memory, threads, descriptors, ports. From Linux's /proc. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { residentBytes } from './process-usage.ts';

export type Footprint = {
  residentBytes: number;
  threads: number;
  descriptors: number;
  udpPorts: number;
  tcpSockets: number;
  processes: number;
};

export type UdpSocket = {
  /** Of which process. */
  pid: number;
  port: number;
  /** The port that it is connected to; 0: none. */
  remotePort: number;
  drops: number;
};

/** The process itself and all that it started. */
export async function processTree(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const children = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')),
  );
  const pids = children.join(' ').split(/\s+/).filter(Boolean).map(Number);
  return [pid, ...(await Promise.all(pids.map(processTree))).flat()];
}

/** UDP sockets of a process and of those that it started. */
export async function udpSockets(pid: number): Promise<UdpSocket[]> {
  const table = await readFile('/proc/net/udp', 'latin1');
  const pids = await processTree(pid);
  const owned = await Promise.all(pids.map(async (each) => ({ pid: each, inodes: await inodesOf(each) })));
  return owned.flatMap(({ pid: owner, inodes }) => udpSocketsOf(table, inodes).map((s) => ({ pid: owner, ...s })));
}

/** The rows of `/proc/net/udp` whose sockets have these inodes. */
export function udpSocketsOf(table: string, inodes: ReadonlySet<string>): Omit<UdpSocket, 'pid'>[] {
  const rows = table.split('\n').map((row) => row.trim().split(/\s+/));
  const portOf = (address = '') => Number.parseInt(address.split(':')[1] ?? '', 16);
  return rows
    .filter((row) => inodes.has(row[9] ?? ''))
    .map((row) => ({ port: portOf(row[1]), remotePort: portOf(row[2]), drops: Number(row.at(-1)) }));
}

/** Of a process and of all that it started. */
export async function footprint(pid: number): Promise<Footprint> {
  const pids = await processTree(pid);
  const each = await Promise.all(
    pids.map(async (one) => ({
      bytes: await residentBytes(one).catch(() => 0),
      threads: (await readdir(`/proc/${one}/task`).catch(() => [])).length,
      descriptors: (await readdir(`/proc/${one}/fd`).catch(() => [])).length,
    })),
  );
  const tcp = await readFile('/proc/net/tcp', 'latin1');
  const inodes = new Set((await Promise.all(pids.map(inodesOf))).flatMap((set) => [...set]));
  return {
    residentBytes: sum(each.map(({ bytes }) => bytes)),
    threads: sum(each.map(({ threads }) => threads)),
    descriptors: sum(each.map(({ descriptors }) => descriptors)),
    udpPorts: new Set((await udpSockets(pid)).map(({ port }) => port)).size,
    tcpSockets: tcp.split('\n').filter((row) => inodes.has(row.trim().split(/\s+/)[9] ?? '')).length,
    processes: pids.length,
  };
}

/** A number of Prometheus' text; 0 where it is not there. */
export function metricOf(metrics: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1] ?? 0);
}

/** By how much a figure grows in an hour, by least squares. @param samples at seconds, in order */
export function slopePerHour(samples: readonly { atS: number; value: number }[]): number {
  const n = samples.length;
  const meanX = sum(samples.map(({ atS }) => atS)) / n;
  const meanY = sum(samples.map(({ value }) => value)) / n;
  const over = sum(samples.map(({ atS, value }) => (atS - meanX) * (value - meanY)));
  return (over / sum(samples.map(({ atS }) => (atS - meanX) ** 2))) * 3600;
}

async function inodesOf(pid: number): Promise<Set<string>> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0);
}
