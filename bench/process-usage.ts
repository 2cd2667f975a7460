/** CPU time, memory and socket drops of processes, from Linux's /proc. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** Linux counts CPU time for user space in hundredths of a second, whatever the kernel's own tick is. */
const MS_PER_TICK = 10;

/** User and system time of one `stat` file, in ms. The name in front may hold spaces and parentheses. */
export function cpuMsOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

/** Resident memory of one `status` file, in bytes. */
export function residentBytesOf(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN) * 1024;
}

/** Packets that the kernel dropped at a local UDP port, from `/proc/net/udp`. */
export function dropsOf(udpTable: string, port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = udpTable.split('\n').map((row) => row.trim().split(/\s+/));
  return rows.filter((row) => row[1]?.endsWith(local)).reduce((sum, row) => sum + Number(row.at(-1)), 0);
}

/** CPU time of a process with all its threads. */
export async function cpuMs(pid: number): Promise<number> {
  return cpuMsOf(await readFile(`/proc/${pid}/stat`, 'utf8'));
}

/** CPU time in ms of each thread of a process, by its name; threads of one name are taken together. */
export async function threadCpuMs(pid: number): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    // One that has ended meanwhile has no file.
    const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => undefined);
    if (stat) sums[nameOf(stat)] = (sums[nameOf(stat)] ?? 0) + cpuMsOf(stat);
  }
  return sums;
}

function nameOf(stat: string): string {
  return stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
}

export async function residentBytes(pid: number): Promise<number> {
  return residentBytesOf(await readFile(`/proc/${pid}/status`, 'utf8'));
}

export async function kernelDrops(port: number): Promise<number> {
  return dropsOf(await readFile('/proc/net/udp', 'latin1'), port);
}

/** Keeps a process, with all its threads, on one core. */
export async function pin(pid: number, core: number): Promise<void> {
  await promisify(execFile)('taskset', ['-acp', String(core), String(pid)]);
}
