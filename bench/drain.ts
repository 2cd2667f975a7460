/**
 * A pod is told to end while people talk: how long their agent's voice is away, and whether anybody is dropped.
 *
 *   npm run bench:drain [-- --calls 50] [--out file]
 */
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Fleet } from '../test/support/fleet.ts';
import { ScriptedCaller } from '../test/support/scripted-caller.ts';
import { drainFigures, drainRows, type DrainedCall } from './drain-figures.ts';
import { loadAverage, machineFacts } from './machine.ts';
import { localResult, writeResult } from './results-file.ts';
import { table } from './table.ts';

const { values: options } = parseArgs({
  options: { calls: { type: 'string', default: '50' }, out: { type: 'string' } },
});
const calls = Number(options.calls);
if (!Number.isInteger(calls) || calls < 1) throw new TypeError('--calls must be a whole number from 1');

/** Half a minute of speech, which is longer than all that follows, without pauses that would pass for gaps. */
const TEXT = Array.from({ length: 66 }, (_, i) => (i % 12 === 11 ? 'today and' : 'alone')).join(' ');
/** Of undisturbed speech before the drain: what is a gap there is none of ours. */
const BASELINE_MS = 4_000;
const AFTERWARDS_MS = 2_500;
/** The pod has to be gone by then. */
const PATIENCE_MS = 40_000;

const fleet = await Fleet.start({ pods: 2, environment: { DRAIN_TIMEOUT_MS: '10000' } });
const callers: ScriptedCaller[] = [];
try {
  await measure();
} finally {
  for (const caller of callers) caller.close();
  await fleet.close();
  ScriptedCaller.cleanUp();
}

async function measure(): Promise<void> {
  const [first, second] = fleet.pods;
  // So that all calls begin on the first pod.
  await fleet.request('POST', '/v2/drain', undefined, second!.url);
  for (let i = 0; i < calls; i += 1) {
    callers.push(await connectedCaller(first!.url));
    process.stderr.write(`\r${i + 1} of ${calls} calls stand`);
  }
  process.stderr.write('\n');
  await Promise.all(callers.map((caller) => caller.request('say', { text: TEXT })));
  await Promise.all(callers.map((caller) => caller.event('agent-state', { state: 'speaking' })));
  await fleet.request('DELETE', '/v2/drain', undefined, second!.url);
  await pause(BASELINE_MS);
  const load = loadAverage();
  const signalledMs = performance.now();
  first!.process.signal('SIGTERM');
  const exit = await Promise.race([first!.process.exited, pause(PATIENCE_MS, undefined, { ref: false })]);
  const goneAfterMs = exit === undefined ? Infinity : performance.now() - signalledMs;
  await pause(AFTERWARDS_MS);
  const endMs = performance.now() - 200;
  const drained = callers.map((caller) => observe(caller, signalledMs, endMs));
  const figures = drainFigures(drained, goneAfterMs);
  console.log(`${calls} calls with an agent that speaks all the time; the pod that led them all was sent SIGTERM`);
  console.log(
    `${machineFacts().cores} cores, load average ${load}; pods, Redis, balancer and callers on one machine\n`,
  );
  console.log(table(drainRows(figures)));
  const path = options.out ?? localResult('drain.json');
  const result = { measuredAt: new Date().toISOString(), machine: machineFacts(), load, ...figures };
  await writeResult(path, { ...result, calls: drained });
  console.log(`\nwritten to ${path}`);
}

async function connectedCaller(podUrl: string): Promise<ScriptedCaller> {
  const { token } = await fleet.open({ overrides: { greeting: '' } }, podUrl);
  return new ScriptedCaller({ url: fleet.url, token }).whenConnected();
}

function observe(caller: ScriptedCaller, signalledMs: number, endMs: number): DrainedCall {
  const { heard } = caller;
  const link = caller.links.at(-1);
  return {
    dropped: caller.failure !== undefined || caller.ended !== undefined || !caller.connected,
    moved: link?.reason === 'drain',
    baselineGapMs: heard.longestGapMs(signalledMs - BASELINE_MS, signalledMs),
    gapMs: heard.longestGapMs(signalledMs, endMs),
    movedAfterMs: (link?.usedMs ?? NaN) - signalledMs,
    twoHeard: heard.fromFormerOwners.length > 0,
  };
}
