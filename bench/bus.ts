/**
 * How long pods take to ask each other, over a Redis that this starts for itself, beside a bare PING of the same minute.
 *
 *   npm run bench:bus [-- --requests 5000] [--out file]
 */
import { parseArgs } from 'node:util';
import type { MessageBus } from '../signalling/message-bus.ts';
import { RedisLink } from '../signalling/redis-link.ts';
import { openRedisMessageBus } from '../signalling/redis-message-bus.ts';
import { parseRedisTarget } from '../signalling/redis-target.ts';
import { RedisServer } from '../test/support/redis-server.ts';
import { loadAverage, machineFacts } from './machine.ts';
import { summarise } from './percentiles.ts';
import type { Summary } from './percentiles.ts';
import { localResult, writeResult } from './results-file.ts';
import { table } from './table.ts';

const { values: options } = parseArgs({
  options: { requests: { type: 'string', default: '5000' }, out: { type: 'string' } },
});
const requests = Number(options.requests);
if (!Number.isInteger(requests) || requests < 100) throw new TypeError('--requests must be a whole number from 100');

/** A payload as signalling has it: transport parameters are some hundred bytes. */
const PAYLOAD = { sessionId: 'bench', text: 'x'.repeat(400) };
const IN_FLIGHT = 20;
/** So many are published at once, and awaited before the next; a pod sends no more than a few at a time. */
const BURST = 200;
const AIM_MS = 5;
const AIM_ON_LOOPBACK_MS = 0.5;
const LOG = { debug: ignore, info: ignore, warn: ignore, error: ignore };

type Figures = { ping: Summary; request: Summary; busy: Summary; publishedPerSecond: number; handled: number };

await using server = await RedisServer.start();
const figures = await measure();
print(figures);
const path = options.out ?? localResult('bus.json');
await writeResult(path, {
  measuredAt: new Date().toISOString(),
  machine: machineFacts(),
  load: loadAverage(),
  ...figures,
});
console.log(`\nwritten to ${path}`);

async function measure(): Promise<Figures> {
  await using opened = new AsyncDisposableStack();
  const open = async (podId: string): Promise<{ bus: MessageBus; link: RedisLink }> => {
    const link = await RedisLink.open({ target: parseRedisTarget(server.url)!, log: LOG });
    opened.defer(() => link.close());
    const bus = await openRedisMessageBus({ podId, link, log: LOG });
    opened.defer(() => bus.close());
    return { bus, link };
  };
  const [asker, answerer] = [await open('asker'), await open('answerer')];
  let handled = 0;
  answerer.bus.handle('bench', async (payload) => {
    handled += 1;
    return payload;
  });
  const ask = (): Promise<unknown> => asker.bus.request('answerer', 'bench', PAYLOAD, { timeoutMs: 5_000 });
  const ping = (): Promise<unknown> => asker.link.commands.ping();
  await inTurn(requests / 10, ask, ping);
  handled = 0;
  const [request, bare] = await inTurn(requests, ask, ping);
  const busy = await inParallel(requests, ask);
  return {
    ping: summarise(bare),
    request: summarise(request),
    busy: summarise(busy),
    publishedPerSecond: await publishing(asker.bus, answerer.bus),
    handled,
  };
}

/** Both in turn, so that whatever else the machine does meets both. */
async function inTurn(
  count: number,
  first: () => Promise<unknown>,
  second: () => Promise<unknown>,
): Promise<[number[], number[]]> {
  const taken: [number[], number[]] = [[], []];
  for (let index = 0; index < count; index++) {
    taken[0].push(await timed(first));
    taken[1].push(await timed(second));
  }
  return taken;
}

async function inParallel(count: number, run: () => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  const lane = async (): Promise<void> => {
    while (taken.length < count) taken.push(await timed(run));
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return taken;
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await run();
  return performance.now() - startedMs;
}

async function publishing(from: MessageBus, to: MessageBus): Promise<number> {
  let heard = 0;
  let wanted = 1;
  let arrived = Promise.withResolvers<void>();
  to.subscribe('bench', () => {
    heard += 1;
    if (heard === wanted) arrived.resolve();
  });
  // Nobody is told when a subscription has taken effect; a request takes longer.
  await from.request(to.podId, 'bench', PAYLOAD, { timeoutMs: 5_000 });
  const startedMs = performance.now();
  for (let sent = 0; sent < requests; sent += BURST) {
    wanted = sent + BURST;
    arrived = Promise.withResolvers();
    for (let index = 0; index < BURST; index++) from.publish('bench', PAYLOAD);
    await arrived.promise;
  }
  return Math.round((heard / (performance.now() - startedMs)) * 1000);
}

function print({ ping, request, busy, publishedPerSecond, handled }: Figures): void {
  const { cpu, cores, node } = machineFacts();
  console.log(`${requests} requests of some 450 bytes and back, both pods in one process, Redis beside it`);
  console.log(`${cpu}, ${cores} cores, Node ${node}; load average ${loadAverage()}\n`);
  const row = (name: string, { p50, p95, p99, max }: Summary, aim: number) => [name, p50, p95, p99, max, aim];
  console.log(
    table([
      ['ms', 'p50', 'p95', 'p99', 'max', 'aim for p95'],
      row('bare PING', ping, NaN),
      row('request and answer', request, AIM_ON_LOOPBACK_MS),
      row(`the same, ${IN_FLIGHT} at a time`, busy, AIM_MS),
    ]),
  );
  const asked = request.count + busy.count;
  console.log(`\n${asked} asked, ${handled - 1} handled; published and heard: ${publishedPerSecond} a second`);
}

function ignore(): void {}
