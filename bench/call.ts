/**
 * How long the steps of a call take, from the click to being let through: calls in a row with headless Chromium.
 *
 *   npm run bench:call [-- --calls 20] [--out file]
 */
import { parseArgs } from 'node:util';
import { launchBrowser } from '../test/support/browser.ts';
import { benchCall } from './bench-call.ts';
import { callFigures, callRows, type CallFigures } from './call-figures.ts';
import { loadAverage, machineFacts } from './machine.ts';
import { localResult, writeResult } from './results-file.ts';
import { ServerProcess } from './server-process.ts';
import { table } from './table.ts';

const { values: options } = parseArgs({
  options: { calls: { type: 'string', default: '20' }, out: { type: 'string' } },
});
const calls = Number(options.calls);
if (!Number.isInteger(calls) || calls < 1) throw new TypeError('--calls must be a whole number from 1');

const server = await ServerProcess.start();
const browser = await launchBrowser();
try {
  await measure();
} finally {
  await browser.close();
  await server.close();
}

async function measure(): Promise<void> {
  const figures: CallFigures[] = [];
  const failures: string[] = [];
  const loads: number[] = [];
  for (let index = 0; index < calls; index++) {
    try {
      figures.push(callFigures(await benchCall(browser, server.url)));
    } catch (error) {
      failures.push(String(error));
    }
    loads.push(loadAverage());
    process.stderr.write(`\rcall ${index + 1} of ${calls}`);
  }
  process.stderr.write('\n');
  print(figures, failures, loads);
  const path = options.out ?? localResult('call.json');
  const browserVersion = `Chromium ${browser.version()}`;
  const result = { measuredAt: new Date().toISOString(), machine: machineFacts(), browserVersion, loads, failures };
  await writeResult(path, { ...result, calls: figures });
  console.log(`\nwritten to ${path}`);
}

function print(figures: CallFigures[], failures: string[], loads: number[]): void {
  const { cpu, cores, node } = machineFacts();
  console.log(`${figures.length} calls in a row, Chromium ${browser.version()} headless, all on one machine`);
  console.log(`${cpu}, ${cores} cores, Node ${node}; load average ${Math.min(...loads)} to ${Math.max(...loads)}\n`);
  console.log(table(callRows(figures)));
  console.log(
    '\nThe first calls find cold caches. Durations without "in the page" or "heard" are of the server\'s clock, or of the\n' +
      "page's own events; those with it are of the sound that a page was given, less the sound card's delays.",
  );
  for (const failure of failures) console.log(`a call failed: ${failure}`);
}
