/**
 * What a bad network does to a call: turns, made-up sound, retransmissions both ways, and the agent's voice at the client.
 *
 *   npm run bench:network [-- --seeds 3] [--out file]
 */
import { parseArgs } from 'node:util';
import { MediaPodClient, startMediaPod } from '../test/support/media-pod.ts';
import { StreamCounts } from '../test/support/stream-counts.ts';
import { loadAverage, machineFacts } from './machine.ts';
import { conditions } from './network-conditions.ts';
import { networkFigures, networkRows, repairRows, type NetworkFigures } from './network-figures.ts';
import { networkTrial, type NetworkTrial } from './network-trial.ts';
import { localResult, writeResult } from './results-file.ts';
import { table } from './table.ts';

const { values: options } = parseArgs({
  options: { seeds: { type: 'string', default: '3' }, out: { type: 'string' } },
});
const seeds = Number(options.seeds);
if (!Number.isInteger(seeds) || seeds < 1) throw new TypeError('--seeds must be a whole number from 1');

const counts = new StreamCounts();
const pod = await startMediaPod(undefined, { LOG_LEVEL: 'error' });
try {
  await measure();
} finally {
  counts.close();
  await pod.close();
  MediaPodClient.cleanUp();
}

async function measure(): Promise<void> {
  const trials: NetworkTrial[] = [];
  const loads: number[] = [];
  for (const condition of conditions) {
    // Side by side, so that the time that a condition takes is that of one call.
    const numbers = Array.from({ length: seeds }, (_, index) => index + 1);
    trials.push(...(await Promise.all(numbers.map((seed) => networkTrial({ pod, counts, condition, seed })))));
    loads.push(loadAverage());
    process.stderr.write(`${condition.name}\n`);
  }
  const figures = conditions.map(({ name }) => {
    const [clean] = trials;
    return networkFigures(
      name,
      trials.filter(({ condition }) => condition === name),
      trials.filter(({ condition }) => condition === clean!.condition),
    );
  });
  print(figures, loads);
  const path = options.out ?? localResult('network.json');
  await writeResult(path, { measuredAt: new Date().toISOString(), machine: machineFacts(), loads, figures });
  console.log(`\nwritten to ${path}`);
}

function print(figures: NetworkFigures[], loads: number[]): void {
  const { cpu, cores, node } = machineFacts();
  console.log(`${seeds} calls in each network, the same losses in both directions, no browser, one machine`);
  console.log(`${cpu}, ${cores} cores, Node ${node}; load average ${Math.min(...loads)} to ${Math.max(...loads)}\n`);
  console.log(table(networkRows(figures)));
  console.log(`\n${table(repairRows(figures))}`);
}
