/**
 * Pods that die, hang or are cut off while people talk: how long until both are heard again, and whether anything is lost.
 *
 *   npm run bench:failover [-- --trials 100] [--kind kill] [--out file]
 */
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Fleet } from '../test/support/fleet.ts';
import { opusSpeech } from '../test/support/opus-speech.ts';
import type { Pod } from '../test/support/pod.ts';
import { ScriptedCaller } from '../test/support/scripted-caller.ts';
import {
  FAILOVER_KINDS,
  failoverFigures,
  failoverRows,
  safetyRows,
  type FailoverFigures,
  type FailoverKind,
  type FailoverTrial,
} from './failover-figures.ts';
import { FailoverTrialRun } from './failover-trial.ts';
import { loadAverage, machineFacts } from './machine.ts';
import { localResult, writeResult } from './results-file.ts';
import { table } from './table.ts';

const { values: options } = parseArgs({
  options: { trials: { type: 'string', default: '100' }, kind: { type: 'string' }, out: { type: 'string' } },
});
const trials = Number(options.trials);
if (!Number.isInteger(trials) || trials < 1) throw new TypeError('--trials must be a whole number from 1');
const kinds = FAILOVER_KINDS.filter((kind) => options.kind === undefined || options.kind === kind);
if (kinds.length === 0) throw new TypeError(`--kind must be one of ${FAILOVER_KINDS.join(', ')}`);

const words = await opusSpeech('Can you hear me?');
const fleet = await Fleet.start({ pods: 3 });
const figures: FailoverFigures[] = [];
const observed: Partial<Record<FailoverKind, FailoverTrial[]>> = {};
const loads: number[] = [];
/** A pod calls no other one gone before it has been on Redis for 3 s. */
const SETTLING_MS = 3_500;
/** A pod that was killed starts again while the next call begins on the others. */
let restarting: Promise<unknown> = Promise.resolve();
try {
  for (const kind of kinds) await measure(kind);
} finally {
  await restarting.catch(() => undefined);
  await fleet.close();
  ScriptedCaller.cleanUp();
}
print();
const path = options.out ?? localResult(options.kind === undefined ? 'failover.json' : `failover-${options.kind}.json`);
await writeResult(path, {
  measuredAt: new Date().toISOString(),
  machine: machineFacts(),
  loads: { least: Math.min(...loads), most: Math.max(...loads) },
  figures,
  trials: observed,
});
console.log(`\nwritten to ${path}`);

async function measure(kind: FailoverKind): Promise<void> {
  const run = new FailoverTrialRun(fleet, kind, words);
  const results: FailoverTrial[] = [];
  const failures: string[] = [];
  for (let index = 0; index < trials; index++) {
    try {
      results.push(await run.run(() => restarting, restart));
    } catch (error) {
      failures.push(String(error));
    }
    loads.push(loadAverage());
    process.stderr.write(`\r${kind}: ${index + 1} of ${trials}`);
  }
  process.stderr.write('\n');
  observed[kind] = results;
  figures.push(failoverFigures(kind, results, failures));
}

function restart(pod: Pod): void {
  restarting = fleet.restart(fleet.pods.indexOf(pod)).then(() => pause(SETTLING_MS));
}

function print(): void {
  const { cpu, cores, node } = machineFacts();
  console.log(
    `${trials} calls of each kind, one after another; three pods, Redis, haproxy and the callers on one machine`,
  );
  console.log(`${cpu}, ${cores} cores, Node ${node}; load average ${Math.min(...loads)} to ${Math.max(...loads)}\n`);
  console.log(`${table(failoverRows(figures))}\n\n${table(safetyRows(figures))}`);
  for (const { kind, failures } of figures) {
    for (const failure of failures) console.log(`${kind}: a call failed: ${failure}`);
  }
}
