/**
 * How long it takes to keep sessions and to find them again, in memory and in a Redis that this starts for itself; or, with
 * `--reconnect`, for so many clients to come back after the pod that they are all on was killed.
 *
 *   npm run bench:sessions [-- --runs 3000] [--out file]
 *   npm run bench:sessions -- --reconnect 500 [--with-media 50] [--out file]
 */
import { parseArgs } from 'node:util';
import { MemorySessionStore } from '../signalling/memory-session-store.ts';
import { RedisLink } from '../signalling/redis-link.ts';
import { RedisSessionStore } from '../signalling/redis-session-store.ts';
import { RedisServer } from '../test/support/redis-server.ts';
import { loadAverage, machineFacts } from './machine.ts';
import { summarise } from './percentiles.ts';
import { benchReconnect } from './reconnect.ts';
import { localResult, writeResult } from './results-file.ts';
import { measureOperations, TRANSCRIPT_LINES } from './session-operations.ts';
import type { OperationFigures } from './session-operations.ts';
import { table } from './table.ts';

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '3000' },
    reconnect: { type: 'string' },
    'with-media': { type: 'string', default: '50' },
    out: { type: 'string' },
  },
});
const runs = wholeNumber('runs', options.runs);

/** In ms: in memory, in Redis. */
const AIMS: Record<string, [memory: number, redis: number]> = {
  create: [5, 5],
  get: [2, 10],
  load: [10, 10],
  claim: [10, 10],
  'Redis operation': [NaN, 1],
};

if (options.reconnect === undefined) await benchOperations();
else {
  const clients = wholeNumber('reconnect', options.reconnect);
  const withMedia = Math.min(clients, wholeNumber('with-media', options['with-media']));
  await benchReconnect({ clients, withMedia, out: options.out });
}

async function benchOperations(): Promise<void> {
  const store = new MemorySessionStore({ podId: 'bench', maximumSessions: Infinity });
  const inMemory = await measureOperations(store, runs);
  const inRedis = await measureRedis();
  print(inMemory, inRedis);
  const path = options.out ?? localResult('sessions.json');
  const result = { measuredAt: new Date().toISOString(), machine: machineFacts(), load: loadAverage(), runs };
  await writeResult(path, { ...result, transcriptLines: TRANSCRIPT_LINES, inMemory, inRedis });
  console.log(`\nwritten to ${path}`);
}

async function measureRedis(): Promise<OperationFigures[]> {
  // As the manifests have it.
  await using server = await RedisServer.start({ args: ['--appendonly', 'yes', '--appendfsync', 'everysec'] });
  const target = {
    kind: 'single' as const,
    address: { host: server.host, port: server.port },
    db: 0,
    tls: false,
  };
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  const commandsMs: number[] = [];
  const link = await RedisLink.open({
    target,
    log,
    onCommand: (_, seconds, outcome) => commandsMs.push(outcome === 'unavailable' ? NaN : seconds * 1000),
  });
  try {
    const store = new RedisSessionStore({
      link,
      podId: 'bench',
      sessionTtlMs: 3_600_000,
      queueKey: 'voice_sessions',
    });
    const figures = await measureOperations(store, runs);
    const unanswered = commandsMs.filter(Number.isNaN).length;
    return [...figures, { operation: 'Redis operation', summary: summarise(commandsMs), unanswered }];
  } finally {
    await link.close();
  }
}

function ignore(): void {}

function print(inMemory: OperationFigures[], inRedis: OperationFigures[]): void {
  const { cpu, cores, node } = machineFacts();
  console.log(`${runs} sessions, each step for one after another; Redis on the same machine`);
  console.log(`${cpu}, ${cores} cores, Node ${node}; load average ${loadAverage()}\n`);
  const heading = ['ms', 'memory p50', 'p95', 'aim', 'Redis p50', 'p95', 'aim'];
  const rows = inRedis.map(({ operation, summary }) => {
    const memory = inMemory.find((figures) => figures.operation === operation)?.summary;
    const [memoryAim, redisAim] = AIMS[operation] ?? [NaN, NaN];
    return [operation, memory?.p50 ?? NaN, memory?.p95 ?? NaN, memoryAim, summary.p50, summary.p95, redisAim];
  });
  console.log(table([heading, ...rows]));
  const unanswered = inRedis.at(-1)?.unanswered ?? 0;
  if (unanswered > 0)
    console.log(`\ncommands without an answer within 250 ms, since the machine is busy: ${unanswered}`);
  console.log(
    `\nload, claim and put carry a transcript of ${TRANSCRIPT_LINES} lines. A create in Redis is two commands, one after\n` +
      'the other, an update three; "Redis operation" is a single one of all those.',
  );
}

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new TypeError(`--${option} must be a whole number from 1`);
  return number;
}
