/**
 * Calls that go on for long, in whose middle workers die and hang: whether anything grows, or becomes late.
 *
 *   npm run bench:soak [-- --minutes 30] [--calls 50] [--out file]
 */
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { CallersReport } from './callers/messages.ts';
import { voidReasons } from './callers/void-reasons.ts';
import { slopePerHour } from './footprint.ts';
import { interruptible, type Interruptible } from './interruptible.ts';
import { loadAverage, machineFacts } from './machine.ts';
import { localResult, writeResult } from './results-file.ts';
import { SoakStrikes } from './soak-strikes.ts';
import { table } from './table.ts';
import { compare, comparisonRows, strikeRows, type Possessions, type StrikeFigures } from './time-figures.ts';
import { TimeRig } from './time-rig.ts';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    calls: { type: 'string', default: '50' },
    out: { type: 'string' },
  },
});
const [minutes, calls] = [Number(options.minutes), Number(options.calls)] as const;
const path = options.out ?? localResult('soak.json');
const SAMPLE_MS = 10_000;
/** Greetings are over. */
const SETTLE_MS = 5_000;

type Sample = {
  atS: number;
  phase: 'first' | 'strikes' | 'second';
  callers: CallersReport;
  void: string[];
} & Possessions;

const samples: Sample[] = [];
let strikes: StrikeFigures[] = [];

await interruptible(async (parts) => {
  const { unlessInterrupted } = parts;
  const rig = await TimeRig.start(parts, calls);
  const before = await rig.possessions(true);
  rig.arrive(calls, 5);
  const standing = await unlessInterrupted(rig.callers.standing(calls));
  if (standing < calls) console.error(`only ${standing} of ${calls} callers have media`);
  await unlessInterrupted(pause(SETTLE_MS));
  await rig.callers.report();
  const startMs = performance.now();
  const halfMs = (minutes * 60_000) / 2;
  await watch(rig, 'first', startMs, halfMs, parts);
  strikes = await new SoakStrikes(rig, parts).run();
  await rig.callers.report().then((report) => sample(rig, 'strikes', startMs, report));
  await watch(rig, 'second', startMs, halfMs, parts);
  await unlessInterrupted(rig.empty());
  const comparison = compare(before, await rig.possessions(true));
  await writeResult(path, { ...facts(), comparison });
  print();
  console.log(`\n${table(comparisonRows(comparison))}\n\nwritten to ${path}`);
});

async function watch(
  rig: TimeRig,
  phase: Sample['phase'],
  startMs: number,
  forMs: number,
  { unlessInterrupted }: Interruptible,
): Promise<void> {
  const endMs = performance.now() + forMs;
  while (performance.now() < endMs) {
    await unlessInterrupted(pause(Math.min(SAMPLE_MS, endMs - performance.now())));
    await sample(rig, phase, startMs, await rig.callers.report());
    // What there is so far, should this be ended.
    await writeResult(path, facts());
  }
}

async function sample(rig: TimeRig, phase: Sample['phase'], startMs: number, callers: CallersReport): Promise<void> {
  const atS = (performance.now() - startMs) / 1000;
  samples.push({ atS, phase, callers, void: voidReasons(callers), ...(await rig.possessions()) });
  process.stderr.write(`\r${Math.round(atS)} s, ${callers.live} calls`);
}

function facts(): object {
  const machine = { measuredAt: new Date().toISOString(), machine: machineFacts(), load: loadAverage() };
  return { ...machine, minutes, calls, strikes, lateness: lateness(), slopes: slopes(), samples };
}

/** Late and lost packets of each minute without strikes, for a million. */
function lateness(): { minute: number; late20: number; lost: number; void: boolean }[] {
  const quiet = samples.filter(({ phase }) => phase !== 'strikes');
  const byMinute = Map.groupBy(quiet, ({ atS }) => Math.floor(atS / 60));
  return [...byMinute].map(([minute, those]) => {
    const total = (read: (report: CallersReport) => number) =>
      those.reduce((all, { callers }) => all + read(callers), 0);
    const perMillion = (count: number) =>
      (1e6 * count) /
      Math.max(
        1,
        total(({ received }) => received.packets),
      );
    const late20 = perMillion(total(({ received }) => received.late20Ms));
    const lost = perMillion(total(({ received }) => received.lost));
    return { minute, late20, lost, void: those.some(({ void: reasons }) => reasons.length > 0) };
  });
}

/** In MiB an hour, of the second half of the time: the first one fills caches. */
function slopes(): Record<string, number> {
  const late = samples.filter(({ phase }) => phase === 'second');
  const names = ['residentBytes', 'heapBytes', 'voiceHeapBytes'] as const;
  const slope = (name: (typeof names)[number]) =>
    slopePerHour(late.map((each) => ({ atS: each.atS, value: each[name] / 2 ** 20 })));
  return Object.fromEntries(names.map((name) => [name, slope(name)]));
}

function print(): void {
  const dropped = samples.reduce((all, { callers }) => all + callers.dropped, 0);
  console.log(`\n${calls} calls, ${minutes} min; ${machineFacts().cores} cores, load average ${loadAverage()}`);
  console.log(`calls lost: ${dropped}; MiB an hour in the second half: ${JSON.stringify(slopes())}\n`);
  const rows = lateness().map((each) => [`${each.minute + 1}${each.void ? ' (void)' : ''}`, each.late20, each.lost]);
  console.log(table([['minute', '> 20 ms late / million', 'lost / million'], ...rows]));
  console.log(`\n${table(strikeRows(strikes))}`);
}
