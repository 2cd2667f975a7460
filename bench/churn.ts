/**
 * Sessions that come and go, each a whole call: whether anything of them stays.
 *
 *   npm run bench:churn [-- --sessions 5000] [--rate 15] [--out file]
 */
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Arrival } from './callers/messages.ts';
import { slopePerHour } from './footprint.ts';
import { interruptible, type Interruptible } from './interruptible.ts';
import { loadAverage, machineFacts } from './machine.ts';
import { localResult, writeResult } from './results-file.ts';
import { table } from './table.ts';
import { compare, comparisonRows, MEMORY, type Possessions } from './time-figures.ts';
import { TimeRig } from './time-rig.ts';

const { values: options } = parseArgs({
  options: {
    sessions: { type: 'string', default: '5000' },
    rate: { type: 'string', default: '15' },
    out: { type: 'string' },
  },
});
const [sessions, rate] = [Number(options.sessions), Number(options.rate)] as const;
const path = options.out ?? localResult('churn.json');
/** Each hears the greeting begin, and hangs up. */
const STAY_MS = 2_000;
const CALLS_AT_ONCE = 150;
const LOOK_MS = 1_000;
const SAMPLE_MS = 10_000;

type Sample = { atS: number; settled: number } & Possessions;

const outcomes: Record<string, number> = {};
const samples: Sample[] = [];
let settled = 0;

await interruptible(async (parts) => {
  console.error('20 calls come and go, then 90 s of rest …');
  const rig = await TimeRig.start(parts, CALLS_AT_ONCE);
  const before = await rig.possessions(true);
  const seconds = await churn(rig, parts);
  console.error('90 s of rest …');
  await parts.unlessInterrupted(rig.empty());
  await report(before, await rig.possessions(true), seconds);
});

/** Until the last of them was answered. @returns for how many seconds they came */
async function churn(rig: TimeRig, { unlessInterrupted }: Interruptible): Promise<number> {
  const startMs = performance.now();
  rig.arrive(sessions, rate, STAY_MS);
  let sampledMs = startMs;
  while (settled < sessions) {
    await unlessInterrupted(pause(LOOK_MS));
    const { arrivals, live } = await rig.callers.report();
    note(arrivals);
    const atS = (performance.now() - startMs) / 1000;
    const perSecond = settled / atS;
    const leftS = Math.round((sessions - settled) / Math.max(perSecond, 0.1));
    process.stderr.write(
      `\r${settled} of ${sessions} sessions, ${perSecond.toFixed(1)} a second, ${live} live, ${leftS} s left   `,
    );
    if (performance.now() - sampledMs < SAMPLE_MS) continue;
    sampledMs = performance.now();
    samples.push({ atS, settled, ...(await rig.possessions()) });
    // What there is so far, should this be ended.
    await writeResult(path, facts(atS));
  }
  process.stderr.write('\n');
  return (performance.now() - startMs) / 1000;
}

function note(arrivals: readonly Arrival[]): void {
  for (const { outcome, reason } of arrivals) {
    const name = outcome === 'failed' ? `failed: ${reason ?? ''}` : outcome;
    outcomes[name] = (outcomes[name] ?? 0) + 1;
  }
  settled += arrivals.length;
}

function facts(seconds: number): object {
  const machine = { measuredAt: new Date().toISOString(), machine: machineFacts(), load: loadAverage() };
  return { ...machine, sessions, rate, seconds, outcomes, bytesPerSession: bytesPerSession(), samples };
}

/** What each session of the second half left behind, by the slope: the first half fills caches. */
function bytesPerSession(): Record<string, number> {
  const late = samples.slice(Math.floor(samples.length / 2));
  const slope = (name: (typeof MEMORY)[number]) =>
    slopePerHour(late.map((each) => ({ atS: each.settled, value: each[name] }))) / 3600;
  return late.length < 2 ? {} : Object.fromEntries(MEMORY.map((name) => [name, Math.round(slope(name))]));
}

async function report(before: Possessions, after: Possessions, seconds: number): Promise<void> {
  const comparison = compare(before, after);
  await writeResult(path, { ...facts(seconds), comparison });
  const came = `${settled} sessions in ${Math.round(seconds)} s, ${(settled / seconds).toFixed(1)} a second`;
  console.log(`${came}; load average ${loadAverage()}\n${JSON.stringify(outcomes)}\n`);
  console.log(table(comparisonRows(comparison)));
  const each = ((after.heapBytes - before.heapBytes) / settled).toFixed(0);
  console.log(`\n${each} bytes of the main thread's heap for each session, before and after`);
  console.log(`bytes for each session of the second half, while they came: ${JSON.stringify(bytesPerSession())}`);
  console.log(`written to ${path}`);
}
