/** `npm run fuzz -- --minutes N [--target rtp] [--seed S]`: searches for as long as wanted, and keeps what it finds. */
import { parseArgs } from 'node:util';
import { keepInCorpus } from '../test/fuzz/corpus.ts';
import { supervise } from '../test/fuzz/supervisor.ts';
import { targets } from '../test/fuzz/targets.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    target: { type: 'string', multiple: true },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
const names = values.target ?? Object.keys(targets);
const unknown = names.filter((name) => !Object.hasOwn(targets, name));
const minutes = Number(values.minutes);
const seed = Number(values.seed);

if (unknown.length > 0 || !(minutes > 0) || !Number.isInteger(seed)) {
  console.error(`usage: npm run fuzz -- --minutes N [--seed S] [--target ${Object.keys(targets).join('|')}] …`);
  process.exit(2);
}

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => interrupted.abort(new Error(`ended by ${signal}`)));
}
console.log(`seed ${seed}, ${minutes} min for ${names.length} ${names.length === 1 ? 'target' : 'targets'}`);
for (const target of names) {
  if (interrupted.signal.aborted) break;
  await search(target).catch(onFailure);
}

async function search(target: string): Promise<void> {
  const forMs = (minutes * 60_000) / names.length;
  const { signal } = interrupted;
  const result = await supervise({ target, seed, inputs: Number.MAX_SAFE_INTEGER, forMs, signal });
  const { inputs, outcomes, slowestMs, grownBytes, findings } = result;
  const figures = [
    `${inputs} inputs`,
    `${outcomes} outcomes`,
    `slowest ${slowestMs.toFixed(1)} ms`,
    `grown ${(grownBytes / 1024).toFixed(0)} KiB`,
  ];
  console.log(`${target}: ${figures.join(', ')}, ${findings.length} findings`);
  for (const { kind, detail, input } of findings) {
    // Growth is of all inputs together.
    const path = kind === 'growth' ? 'nothing' : keepInCorpus(target, kind, input);
    console.log(`  ${kind}: ${detail.split('\n').slice(0, 8).join('\n    ')}\n    kept as ${path}`);
    process.exitCode = 1;
  }
}

function onFailure(error: unknown): void {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
