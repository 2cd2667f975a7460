/**
 * Sessions that come and go, each a whole call: whether anything of them stays.
 *
 *   npm run bench:churn [-- --sessions 5000] [--rate 8] [--out file]
 */
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { interruptible } from './interruptible.ts';
import { loadAverage, machineFacts } from './machine.ts';
import { localResult, writeResult } from './results-file.ts';
import { table } from './table.ts';
import { compare, comparisonRows, type Possessions } from './time-figures.ts';
import { TimeRig } from './time-rig.ts';

const { values: options } = parseArgs({
  options: {
    sessions: { type: 'string', default: '5000' },
    rate: { type: 'string', default: '8' },
    out: { type: 'string' },
  },
});
const [sessions, rate] = [Number(options.sessions), Number(options.rate)] as const;
/** Each hears the greeting begin, and hangs up. */
const STAY_MS = 2_000;
const CALLS_AT_ONCE = 150;
const LOOK_MS = 1_000;

await interruptible(async (parts) => {
  const { unlessInterrupted } = parts;
  const rig = await TimeRig.start(parts, CALLS_AT_ONCE);
  const before = await rig.possessions();
  const outcomes: Record<string, number> = {};
  const path = options.out ?? localResult('churn.json');
  rig.arrive(sessions, rate, STAY_MS);
  for (let settled = 0; settled < sessions;) {
    await unlessInterrupted(pause(LOOK_MS));
    const { arrivals } = await rig.callers.report();
    for (const { outcome, reason } of arrivals) {
      const name = outcome === 'failed' ? `failed: ${reason ?? ''}` : outcome;
      outcomes[name] = (outcomes[name] ?? 0) + 1;
    }
    settled += arrivals.length;
    process.stderr.write(`\r${settled} of ${sessions} sessions`);
  }
  process.stderr.write('\n');
  await unlessInterrupted(rig.empty());
  await report(before, await rig.possessions(), outcomes, path);
});

async function report(
  before: Possessions,
  after: Possessions,
  outcomes: Record<string, number>,
  path: string,
): Promise<void> {
  const comparison = compare(before, after);
  const bytesPerSession = (after.heapBytes - before.heapBytes) / sessions;
  await writeResult(path, {
    measuredAt: new Date().toISOString(),
    machine: machineFacts(),
    load: loadAverage(),
    sessions,
    rate,
    outcomes,
    bytesPerSession,
    comparison,
  });
  console.log(`${sessions} sessions, ${rate} a second: ${JSON.stringify(outcomes)}\n`);
  console.log(table(comparisonRows(comparison)));
  console.log(`\n${Math.round(bytesPerSession)} bytes of the main thread's heap for each session\nwritten to ${path}`);
}
