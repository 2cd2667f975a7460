/** The README's table of what a core carries, made from a result, so that both say the same. Pure. */
import { show } from '../table.ts';
import { middleOf, type Stretch } from './density-figures.ts';
import type { DensityResult } from './density-print.ts';

const BEGIN = '<!-- density -->';
const END = '<!-- /density -->';

type Row = { what: string; measured: string; aim: string; met: boolean };

/** @throws Error where the README has no place for it */
export function withDensity(readme: string, result: DensityResult): string {
  const from = readme.indexOf(BEGIN);
  const to = readme.indexOf(END);
  if (from < 0 || to < from) throw new Error(`the README has no place for the table, between ${BEGIN} and ${END}`);
  return `${readme.slice(0, from)}${BEGIN}\n\n${densityTable(result)}\n\n${readme.slice(to)}`;
}

/** Every figure with its aim, the missed ones marked; where it was measured, and under which load of the machine. */
export function densityTable(result: DensityResult): string {
  const { machine, measuredAt, loadBefore } = result;
  const rows = [...rampRows(result), ...delayRows(result), ...overloadRows(result), ...joinRows(result)];
  const lines = rows.map(
    ({ what, measured, aim, met }) => `| ${what} | ${met ? measured : `**${measured}**`} | ${aim} |`,
  );
  const where = `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.system}, Node ${machine.node}`;
  return [
    `Measured on ${measuredAt.slice(0, 10)} (${where}; load average before: ${loadBefore}). Missed aims are bold.`,
    '',
    '| | measured | aim |',
    '| --- | --- | --- |',
    ...lines,
    ...(result.ramp ? ['', '![CPU and delays over the number of calls](docs/images/density.svg)'] : []),
  ].join('\n');
}

function rampRows({ ramp }: DensityResult): Row[] {
  if (!ramp) return [];
  const { points, callsPerCore = 0, memoryPerCallMb } = ramp;
  const { allProcesses, voiceWorkerInUse } = memoryPerCallMb;
  const costs = points.map(({ stretches }) => middleOf(stretches, ({ percentPerCall }) => percentPerCall));
  const at50 = costs[points.findIndex(({ calls }) => calls === 50)] ?? costs.at(-1)!;
  const numbers = points.map(({ calls }) => calls).join(', ');
  const spread = costs.map(({ median, least, most }) => `${show(median)} (${show(least)}–${show(most)})`).join(', ');
  const isVoid = points.some(({ stretches }) => stretches.every(({ voids }) => voids.length > 0));
  return [
    {
      what: 'live calls on one core',
      measured: String(callsPerCore || 'none'),
      aim: '≥ 100',
      met: callsPerCore >= 100,
    },
    {
      what: `CPU per call at ${numbers} calls, % of a core`,
      measured: `${spread}${isVoid ? '; the callers were the limit' : ''}`,
      aim: '≤ 0.9 at 50',
      met: at50.median <= 0.9 && !isVoid,
    },
    {
      what: 'memory per call over all processes, MB',
      measured: show(allProcesses),
      aim: '≤ 1',
      met: allProcesses <= 1,
    },
    {
      what: 'of it in use in the voice worker, MB',
      measured: show(voiceWorkerInUse),
      aim: '≤ 0.5',
      met: voiceWorkerInUse <= 0.5,
    },
  ];
}

function delayRows({ delays }: DensityResult): Row[] {
  if (!delays) return [];
  const { calls, prompt, busy } = delays;
  const { p50, p99 } = prompt[0]!.decisionToPacketMs;
  const late = (value: (stretch: Stretch) => number) => middleOf(busy, value).median;
  const lateMs = late(({ playoutLatenessMs }) => playoutLatenessMs.p999);
  return [
    {
      what: `turn can be decided → first packet of the reply, ${calls} calls, p50 and p99, ms`,
      measured: `${show(p50)}, ${show(p99)}`,
      aim: '≤ 25, ≤ 45',
      met: p50 <= 25 && p99 <= 45 && prompt[0]!.calls >= calls,
    },
    {
      what: `packets late, ${calls} calls, while flite speaks all the time, p99.9, ms`,
      measured: show(lateMs),
      aim: '≤ 5',
      // A server that refused calls has not carried them.
      met: lateMs <= 5 && busy.every((stretch) => stretch.calls >= calls),
    },
  ];
}

function overloadRows({ overload }: DensityResult): Row[] {
  if (!overload) return [];
  const { admitted, outcomes, refusedAfterMs, p99Ratio } = overload;
  const ratio = p99Ratio.received;
  return [
    {
      what: `${admitted} calls admitted, as many again come: ${outcomes['busy'] ?? 0} refused after, p99, ms`,
      measured: show(refusedAfterMs.p99),
      aim: '≤ 50',
      met: refusedAfterMs.p99 <= 50,
    },
    {
      what: "p99 of the admitted calls' packets meanwhile, for that before",
      measured: show(ratio),
      aim: '≤ 1.2',
      met: ratio <= 1.2,
    },
  ];
}

function joinRows({ join }: DensityResult): Row[] {
  if (!join) return [];
  const { p95 } = join.steps.greeting;
  const joined = join.outcomes['connected'] ?? 0;
  return [
    {
      what: `${join.perSecond} joins a second for ${join.seconds} s (${joined} heard it): click → greeting, p95, ms`,
      measured: show(p95),
      aim: '≤ 300',
      met: p95 <= 300 && joined === join.perSecond * join.seconds,
    },
  ];
}
