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
import { interruptible, type Interruptible } from './interruptible.ts';
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
const figures: FailoverFigures[] = [];
const observed: Partial<Record<FailoverKind, FailoverTrial[]>> = {};
const loads: number[] = [];
/** A pod calls no other one gone before it has been on Redis for 3 s. */
const SETTLING_MS = 3_500;
const path = options.out ?? localResult(options.kind === undefined ? 'failover.json' : `failover-${options.kind}.json`);
/** A pod that was killed starts again while the next call begins on the others. */
let restarting: Promise<unknown> = Promise.resolve();

await interruptible(async ({ open, unlessInterrupted, signal }) => {
  open.defer(() => ScriptedCaller.cleanUp());
  const fleet = open.adopt(await Fleet.start({ pods: 3 }), async (started) => {
    // Whatever it is starting would outlive it.
    await restarting.catch(() => undefined);
    await started.close();
  });
  try {
    for (const kind of kinds) await measure(fleet, kind, { unlessInterrupted, signal });
  } finally {
    if (figures.length > 0) print();
  }
});

/** The results so far are written after each kind, and when it is ended in the middle of one. */
async function measure(
  fleet: Fleet,
  kind: FailoverKind,
  { unlessInterrupted, signal }: Pick<Interruptible, 'unlessInterrupted' | 'signal'>,
): Promise<void> {
  const run = new FailoverTrialRun(fleet, kind, words);
  const results: FailoverTrial[] = [];
  const failures: string[] = [];
  try {
    for (let index = 0; index < trials; index++) {
      try {
        results.push(
          await unlessInterrupted(
            run.run(
              () => restarting,
              (pod) => restart(fleet, pod),
            ),
          ),
        );
      } catch (error) {
        signal.throwIfAborted();
        failures.push(String(error));
      }
      loads.push(loadAverage());
      process.stderr.write(`\r${kind}: ${index + 1} of ${trials}`);
    }
    process.stderr.write('\n');
  } finally {
    observed[kind] = results;
    if (results.length > 0) figures.push(failoverFigures(kind, results, failures));
    await write();
  }
}

function restart(fleet: Fleet, pod: Pod): void {
  restarting = fleet.restart(fleet.pods.indexOf(pod)).then(() => pause(SETTLING_MS));
}

async function write(): Promise<void> {
  await writeResult(path, {
    measuredAt: new Date().toISOString(),
    machine: machineFacts(),
    loads: { least: Math.min(...loads), most: Math.max(...loads) },
    figures,
    trials: observed,
  });
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
  console.log(`\nwritten to ${path}`);
}
