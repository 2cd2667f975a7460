/**
 * How long it takes to find the agent of a session: of a file, and of a backend whose answer is at hand. A backend on
 * loopback is asked once for each agent and campaign, outside of what is measured.
 *
 *   node scripts/setup.mjs bench bench/agents.ts [--runs 5000] [--out file]
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { AgentBackendClient } from '../server/agent-backend-client.ts';
import { AgentBackend } from '../server/agent-backend.ts';
import { AgentFiles } from '../server/agent-files.ts';
import { Agents } from '../server/agents.ts';
import type { AgentRequest } from '../server/agents.ts';
import { readConfig } from '../server/config.ts';
import { loadAverage, machineFacts } from './machine.ts';
import { summarise } from './percentiles.ts';
import type { Summary } from './percentiles.ts';
import { localResult, writeResult } from './results-file.ts';
import { table } from './table.ts';

const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '5000' }, out: { type: 'string' } },
});
const runs = Number(options.runs);
if (!Number.isInteger(runs) || runs < 100) throw new TypeError('--runs must be a whole number from 100');

const AIM_MS = 1;
/** Agents at hand at once, as many as the cache takes. */
const AGENTS = 1_000;
const WARM_UP = 200;
const LOG = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const ANSWER = {
  agent: {
    greeting: 'Hello {{name}}, you have {{orders}} open orders.',
    variables: { name: { required: true }, orders: { type: 'number', default: 0 } },
    turnHandling: { endpointing: { speechEndMs: 700 } },
  },
  campaignOverrides: { greeting: 'Happy spring, {{name}}.' },
};
const OVERRIDES = { turnHandling: { interruption: { pauseAfterMs: 400 } } };

const server = createServer((_request, response) => {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(ANSWER));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const figures = await measure();
server.closeAllConnections();
server.close();
const rows = Object.entries(figures).map(([name, { p50, p95, p99, max }]) => [name, ...[p50, p95, p99, max].map(show)]);
console.log(table([['in ms', 'p50', 'p95', 'p99', 'max'], ...rows]));
console.log(`\nThe aim is a p95 under ${AIM_MS} ms for what is at hand.`);
const path = options.out ?? localResult('agents.json');
await writeResult(path, {
  measuredAt: new Date().toISOString(),
  machine: machineFacts(),
  load: loadAverage(),
  figures,
});
console.log(`\nwritten to ${path}`);

async function measure(): Promise<Record<string, Summary>> {
  const { folder } = readConfig({}).agents;
  const files = await AgentFiles.open({ folder, secrets: {}, log: LOG, nowMs: Date.now });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const access = { url, secret: 'x'.repeat(32), podId: 'bench', secrets: {}, nowMs: Date.now };
  const backend = new AgentBackend({
    client: new AgentBackendClient(access),
    ttlMs: 3_600_000,
    log: LOG,
    nowMs: Date.now,
  });
  const agents = new Agents({ files, backend, secrets: {}, log: LOG });
  const variables = { name: 'Ada', orders: 7 };
  const nth = (n: number) => ({ agent: `agent-${n % AGENTS}`, campaign: 'spring', variables });
  for (let n = 0; n < AGENTS; n += 1) await agents.resolve(nth(n));
  return {
    'file → agent of a session': await timed(agents, () => ({ agent: 'parrot' })),
    'at hand → agent of a session': await timed(agents, nth),
    'the same with overrides, checked': await timed(agents, (n) => ({ ...nth(n), overrides: OVERRIDES })),
  };
}

async function timed(agents: Agents, request: (n: number) => AgentRequest): Promise<Summary> {
  const tookMs: number[] = [];
  for (let n = 0; n < WARM_UP + runs; n += 1) {
    const wanted = request(n);
    const fromMs = performance.now();
    await agents.resolve(wanted);
    if (n >= WARM_UP) tookMs.push(performance.now() - fromMs);
  }
  return summarise(tookMs);
}

function show(ms: number): string {
  return ms.toFixed(3);
}

function ignore(): void {
  // What a bench is about is printed by itself.
}
