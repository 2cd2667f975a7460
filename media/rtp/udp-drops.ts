/** Packets that the kernel dropped since a socket's buffer was full, from Linux's /proc; elsewhere nobody tells. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

const TABLE = '/proc/net/udp';
/** 127.0.0.1 as the table writes it on machines that have the lowest byte first, as all do that Node runs on. */
const LOOPBACK = '0100007F';

/** Of the socket at this port of 127.0.0.1; 0 where there is none. */
export async function dropsAtPort(port: number): Promise<number> {
  return dropsAtPortIn(await readFile(TABLE, 'latin1').catch(() => ''), port);
}

/** @param table the text of `/proc/net/udp` */
export function dropsAtPortIn(table: string, port: number): number {
  const address = `${LOOPBACK}:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return rowsOf(table).find(({ local }) => local === address)?.drops ?? 0;
}

/** Of all sockets of these processes, which have the same owner as this one. Takes well below a millisecond. */
export function dropsOfProcesses(pids: readonly number[]): number {
  const inodes = new Set(pids.flatMap(socketsOf));
  const rows = rowsOf(textOf(TABLE)).filter(({ inode }) => inodes.has(inode));
  return rows.reduce((all, { drops }) => all + drops, 0);
}

function rowsOf(table: string): { local: string; inode: string; drops: number }[] {
  return table
    .split('\n')
    .slice(1)
    .map((row) => row.trim().split(/\s+/))
    .map(({ 1: local = '', 9: inode = '', 12: drops }) => ({ local, inode, drops: Number(drops ?? 0) }));
}

function socketsOf(pid: number): string[] {
  return namesIn(`/proc/${pid}/fd`).flatMap((name) => {
    const target = linkOf(`/proc/${pid}/fd/${name}`);
    return /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? [];
  });
}

// What has gone by now has no drops; on other systems there is none of this.
const textOf = (path: string): string => orNothing(() => readFileSync(path, 'latin1'), '');
const linkOf = (path: string): string => orNothing(() => readlinkSync(path), '');
const namesIn = (path: string): string[] => orNothing(() => readdirSync(path), []);

function orNothing<Value>(read: () => Value, nothing: Value): Value {
  try {
    return read();
  } catch {
    // As above.
    return nothing;
  }
}
