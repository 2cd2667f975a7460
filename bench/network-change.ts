/**
 * How long a call is without sound when the machine is in another network from one moment to the next, with headless
 * Chromium. Needs root on Linux.
 *
 *   node scripts/setup.mjs bench bench/network-change.ts [--changes 10] [--out file]
 */
import { parseArgs } from 'node:util';
import { CallPage } from '../test/support/browser.ts';
import { Fleet } from '../test/support/fleet.ts';
import { loadAverage, machineFacts } from './machine.ts';
import { summarise } from './percentiles.ts';
import { localResult, writeResult } from './results-file.ts';
import { table } from './table.ts';

/** Ms of the page's clock, from the moment at which the old network was taken away. */
type Change = { joinedMs: number; connectedMs: number; speakingMs: number };

const SETTLED_MS = 1500;
const PATIENCE_MS = 15_000;

const { values: options } = parseArgs({
  options: { changes: { type: 'string', default: '10' }, out: { type: 'string' } },
});
const fleet = await Fleet.start({ pods: 1, redis: false, balancer: false });
const changes: Change[] = [];
const loads: number[] = [];
try {
  for (let index = 0; index < Number(options.changes); index++) {
    changes.push(await change());
    loads.push(loadAverage());
    process.stderr.write(`\rchange ${index + 1} of ${options.changes}`);
  }
} finally {
  await fleet.close();
}
const rows = (['joinedMs', 'connectedMs', 'speakingMs'] as const).map((step) => {
  const { count, p50, p95, max } = summarise(changes.map((each) => each[step]));
  return [step, count, p50, p95, max];
});
console.log(`\n${table([['from the loss of the old network to', 'changes', 'p50', 'p95', 'most'], ...rows])}`);
const path = options.out ?? localResult('network-change.json');
await writeResult(path, { measuredAt: new Date().toISOString(), machine: machineFacts(), loads, changes });
console.log(`\nwritten to ${path}`);

/** The new network is there before the old one goes, and packets of the agent come every 20 ms. */
async function change(): Promise<Change> {
  const browser = await fleet.browser({ autoplay: 'allowed' });
  try {
    const call = await CallPage.open(browser, `${fleet.url}/`, 'spoken');
    await call.startCall();
    const greeted = (await call.events()).at(-1)!;
    await call.page.fill('#say', 'count');
    await call.page.press('#say', 'Enter');
    const speaking = await call.event('agentState', { with: { state: 'speaking' }, after: greeted });
    await call.listen(SETTLED_MS);
    const { address } = browser.host;
    await browser.host.addLink();
    const goneMs = await call.now();
    await browser.host.removeLink(address);
    const joined = await call.event('joined', { after: speaking, timeoutMs: PATIENCE_MS });
    const connected = await call.event('stateChanged', {
      with: { state: 'connected', previous: 'moving' },
      after: joined,
      timeoutMs: PATIENCE_MS,
    });
    const packets = await call.event('agentState', { with: { state: 'speaking' }, after: joined });
    return {
      joinedMs: joined.heardMs - goneMs,
      connectedMs: connected.heardMs - goneMs,
      speakingMs: packets.heardMs - goneMs,
    };
  } finally {
    await browser.close();
  }
}
