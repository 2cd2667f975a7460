/** The density measurement as people read it. */
import type { Calibration } from '../calibration.ts';
import type { MachineFacts } from '../machine.ts';
import type { Summary } from '../percentiles.ts';
import { show, table, type Cell } from '../table.ts';
import { limitsPassed, middleOf, type Stretch } from './density-figures.ts';
import type { Plan, Ramp } from './density-ramp.ts';
import type { Delays, Joins, Overload } from './density-stages.ts';

export type DensityResult = {
  measuredAt: string;
  machine: MachineFacts;
  calibration: Calibration;
  loadBefore: number;
  loadAfter: number;
  tookSeconds: number;
  plan: Plan;
  ramp?: Ramp;
  delays?: Delays;
  overload?: Overload;
  join?: Joins;
};

const ENDS: Record<Ramp['endedBy'], string> = {
  limits: 'more are beyond the limits',
  refused: 'the server takes no more',
  most: 'more were not tried',
};

const ROWS: readonly [string, (stretch: Stretch) => number][] = [
  ['CPU per call, % of a core', ({ percentPerCall }) => percentPerCall],
  ['CPU in all, %', ({ corePercent }) => corePercent.all],
  ['– voice worker', ({ corePercent }) => corePercent.voiceThread],
  ['– media worker', ({ corePercent }) => corePercent.mediaWorkers],
  ['– main thread', ({ corePercent }) => corePercent.mainThread],
  ['a caller, % of a core', ({ corePercent, calls }) => corePercent.callers / calls],
  ['callers speaking, part of the time', ({ speaking }) => speaking.callers],
  ['agents speaking', ({ speaking }) => speaking.agents],
  ['window complete → verdict p99, ms', ({ verdictMs }) => verdictMs.p99],
  ['packet due at caller → verdict p99, ms', ({ dueToVerdictMs }) => dueToVerdictMs.p99],
  ['playout late p99.9, ms', ({ playoutLatenessMs }) => playoutLatenessMs.p999],
  ['late at callers p99, ms', ({ receivedLatenessMs }) => receivedLatenessMs.p99],
  ['late at callers p99.9, ms', ({ receivedLatenessMs }) => receivedLatenessMs.p999],
  ['late, lost or left out, %', ({ lateShare }) => lateShare * 100],
  ['event loop delay p99, ms', ({ loopDelayP99Ms }) => loopDelayP99Ms],
  ['garbage collection, % of a core', ({ collectionPercent }) => collectionPercent],
  ['windows a second and call', ({ windowsPerSecond, calls }) => windowsPerSecond / calls],
  ['windows per run', ({ windowsPerRun }) => windowsPerRun],
  ['packets of callers lost', ({ uplinkLost }) => uplinkLost],
  ['packets of another call', ({ wrongCall }) => wrongCall],
  ['load average', ({ load }) => load],
];

export function printDensity({ machine, calibration, ramp, delays, overload, join, ...rest }: DensityResult): void {
  const { decodeUs, windowUs } = calibration;
  console.log(`\n${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; server on core 0, callers on core 1`);
  console.log(`load ${rest.loadBefore} before and ${rest.loadAfter} after, which includes this`);
  console.log(`a packet takes ${show(decodeUs)} µs to decode, a window in a batch of 16 ${show(windowUs)} µs\n`);
  if (ramp) printRamp(ramp);
  if (delays) printDelays(delays);
  if (overload) printOverload(overload);
  if (join) printJoins(join);
}

function printRamp({ points, steps, callsPerCore, endedBy, memoryPerCallMb }: Ramp): void {
  console.log(stretchTable([...points.map(({ stretches }) => stretches), ...steps.map((step) => [step])]));
  for (const { calls, passed } of steps) if (passed.length > 0) console.log(`${calls} calls: ${passed.join('; ')}`);
  console.log(`\ncalls a core: ${callsPerCore ?? 'none of those tried'} (${ENDS[endedBy]})`);
  const { allProcesses, server, mediaWorkers, voiceWorkerInUse } = memoryPerCallMb;
  console.log(
    `memory per call: ${show(allProcesses)} MB (server ${show(server)}, media worker ${show(mediaWorkers)}); ` +
      `in use in the voice worker ${show(voiceWorkerInUse)} MB\n`,
  );
}

function printDelays({ calls, prompt, busy }: Delays): void {
  const { count, p50, p99 } = prompt[0]!.decisionToPacketMs;
  console.log(
    `turn decidable → reply's first packet, ${calls} calls: p50 ${show(p50)}, p99 ${show(p99)} ms of ${count}`,
  );
  const { median, least, most } = middleOf(busy, ({ playoutLatenessMs }) => playoutLatenessMs.p999);
  console.log(`playout late p99.9, ${calls} calls, models busy: ${show(median)} ms (${show(least)} to ${show(most)})`);
  console.log(`${stretchTable([prompt, busy])}\n`);
}

function printOverload({ admitted, outcomes, refusedAfterMs, p99Ratio, atLimit, overloaded }: Overload): void {
  console.log(`overload: ${admitted} calls admitted; of as many again ${countsIn(outcomes)}`);
  const { p50, p99, max } = refusedAfterMs;
  console.log(`refused after p50 ${show(p50)}, p99 ${show(p99)}, at most ${show(max)} ms`);
  const { received, playout, verdict } = p99Ratio;
  console.log(
    `p99 for that at the limit: at the callers ${show(received)}, playout ${show(playout)}, verdicts ${show(verdict)}`,
  );
  console.log(`${stretchTable([[atLimit], [overloaded]])}\n`);
}

function printJoins({ perSecond, seconds, outcomes, steps, callersLateP99Ms }: Joins): void {
  console.log(`joins: ${perSecond} a second for ${seconds} s: ${countsIn(outcomes)}`);
  const row = (name: string, { p50, p95, p99, max }: Summary) => [name, p50, p95, p99, max];
  const rows = Object.entries(steps).map(([name, summary]) => row(`click → ${name}`, summary));
  console.log(table([['ms', 'p50', 'p95', 'p99', 'max'], ...rows]));
  console.log(`callers sent ${show(callersLateP99Ms)} ms late (p99)`);
}

function stretchTable(columns: readonly (readonly Stretch[])[]): string {
  const heading = ['calls', ...columns.map((stretches) => headingOf(stretches))];
  const rows = ROWS.map(([name, value]): Cell[] => [name, ...columns.map((of) => middleOf(of, value).median)]);
  return table([heading, ...rows]);
}

function headingOf(stretches: readonly Stretch[]): string {
  const { calls } = stretches[0]!;
  const isVoid = stretches.every(({ voids }) => voids.length > 0);
  const over = stretches.every((stretch) => limitsPassed(stretch).length > 0);
  return `${calls}${over ? '!' : ''}${isVoid ? ' void' : ''}`;
}

function countsIn(counts: Record<string, number>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}
