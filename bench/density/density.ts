/**
 * How many live calls one core carries: the whole server on one core, real callers on the other.
 *
 *   npm run bench:density [-- --quick] [--keep] [--most 200] [--only ramp,delays,overload,join] [--out file]
 *   npm run bench:density -- --profile 50,100
 *
 * `--keep` writes bench/results/density.json, docs/images/density.svg and the README's table in place of bench/results/local/.
 * `--profile` says where the time goes at so many calls, and measures nothing.
 */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import type { Calibration } from '../calibration.ts';
import { loadAverage, machineFacts } from '../machine.ts';
import { localResult, writeResult } from '../results-file.ts';
import { densityPlot } from './density-plot.ts';
import { printDensity, type DensityResult } from './density-print.ts';
import { profile } from './density-profile.ts';
import { withDensity } from './density-readme.ts';
import { ramp, type Plan } from './density-ramp.ts';
import { delays, joins, overload } from './density-stages.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    most: { type: 'string', default: '200' },
    only: { type: 'string', default: 'ramp,delays,overload,join' },
    profile: { type: 'string' },
    out: { type: 'string' },
  },
});
const most = Number(options.most);
if (!Number.isInteger(most) || most < 10) throw new TypeError('--most must be a whole number from 10');

const FULL: Plan = {
  points: [10, 25, 50, 100],
  runs: 3,
  seconds: 7,
  step: 10,
  most,
  overloadSeconds: 20,
  joinSeconds: 10,
};
const QUICK: Plan = { points: [5, 10, 20], runs: 1, seconds: 4, step: 20, most, overloadSeconds: 8, joinSeconds: 3 };
const DELAYS_AT = { full: 50, quick: 20 };
const RESULT = fileURLToPath(new URL('../results/density.json', import.meta.url));
const README = fileURLToPath(new URL('../../README.md', import.meta.url));
const PLOT = fileURLToPath(new URL('../../docs/images/density.svg', import.meta.url));

const plan = options.quick ? QUICK : FULL;
const stages = new Set(options.only.split(','));
const startMs = performance.now();
const tell = (text: string): void =>
  console.log(`${Math.round((performance.now() - startMs) / 1000)} s, load ${loadAverage()}: ${text}`);

if (options.profile !== undefined) {
  const points = options.profile.split(',').map(Number);
  if (!points.every((calls) => Number.isInteger(calls) && calls > 0))
    throw new TypeError('--profile takes numbers of calls');
  await profile(points, tell);
  process.exit();
}

const calibration = await calibrate();
const loadBefore = loadAverage();
const result: DensityResult = {
  measuredAt: new Date().toISOString(),
  machine: machineFacts(),
  calibration,
  loadBefore,
  plan,
  ...(stages.has('ramp') && { ramp: await ramp(plan, tell) }),
  ...(stages.has('delays') && { delays: await delays(options.quick ? DELAYS_AT.quick : DELAYS_AT.full, plan, tell) }),
  ...(stages.has('overload') && { overload: await overload(plan, tell) }),
  ...(stages.has('join') && { join: await joins(plan, tell) }),
  loadAfter: loadAverage(),
  tookSeconds: Math.round((performance.now() - startMs) / 1000),
};
printDensity(result);
const path = options.out ?? (options.keep ? RESULT : localResult('density.json'));
await writeResult(path, result);
console.log(`\nwritten to ${path}`);
if (result.ramp) {
  const plot = options.keep ? PLOT : localResult('density.svg');
  await writeFile(plot, densityPlot(result.ramp));
  console.log(`plotted in ${plot}`);
}
if (options.keep) await writeFile(README, withDensity(await readFile(README, 'utf8'), result));

async function calibrate(): Promise<Calibration> {
  const file = fileURLToPath(new URL('../calibration.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [file]);
  return JSON.parse(stdout) as Calibration;
}
