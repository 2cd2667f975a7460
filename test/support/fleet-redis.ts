/** Redis on hosts of a test's network: one, or one with a replica and a Sentinel. It keeps nothing when it ends. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../scripts/setup/system-needs.mjs';
import { HostProcess } from './host-process.ts';
import type { NetworkHost } from './network-host.ts';

export const REDIS_PORT = 6379;
const SENTINEL_PORT = 26_379;
const MASTER = 'parley';

const OPEN = ['--bind', '0.0.0.0', '--protected-mode', 'no'];
const FORGETFUL = ['--save', '', '--appendonly', 'no'];
/** By default a master waits 5 s for further replicas. */
const PROMPT = ['--repl-diskless-sync-delay', '0'];

export async function startRedis(host: NetworkHost, replicaOf?: NetworkHost): Promise<HostProcess> {
  const replica = replicaOf ? ['--replicaof', replicaOf.address, String(REDIS_PORT)] : [];
  const redis = await run(host, [], ['--port', String(REDIS_PORT), ...FORGETFUL, ...PROMPT, ...replica]);
  await redis.said(/Ready to accept connections/);
  if (replicaOf) await redis.said(/MASTER <-> REPLICA sync: Finished/);
  return redis;
}

/** It takes a master that does not answer for a second for dead. */
export async function startSentinel(host: NetworkHost, master: NetworkHost): Promise<HostProcess> {
  const lines = [
    `sentinel monitor ${MASTER} ${master.address} ${REDIS_PORT} 1`,
    `sentinel down-after-milliseconds ${MASTER} 1000`,
    `sentinel failover-timeout ${MASTER} 5000`,
  ];
  const sentinel = await run(host, lines, ['--sentinel', '--port', String(SENTINEL_PORT)]);
  // It learns of replicas from the master, which it asks every ten seconds.
  await sentinel.said(/\+slave slave/);
  return sentinel;
}

export const urlOf = ({ address }: NetworkHost): string => `redis://${address}:${REDIS_PORT}`;
export const sentinelUrlOf = ({ address }: NetworkHost): string =>
  `redis+sentinel://${address}:${SENTINEL_PORT}/${MASTER}`;

/** In a folder of its own: a Sentinel writes to its configuration, a replica what it is sent. */
async function run(host: NetworkHost, configuration: string[], args: readonly string[]): Promise<HostProcess> {
  const program = findProgram(['redis-server']);
  if (!program) throw new Error('redis-server is missing; `npm test` installs it or says what to install.');
  const folder = await mkdtemp(join(tmpdir(), 'parley-redis-'));
  const path = join(folder, 'redis.conf');
  await writeFile(path, [...configuration, ''].join('\n'));
  const redis = new HostProcess(host, { program, args: [path, ...args, '--dir', folder, ...OPEN] });
  void redis.exited.then(() => rm(folder, { recursive: true, force: true }));
  return redis;
}
