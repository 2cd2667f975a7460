/**
 * Runs many histories and prints what went wrong.
 *
 *   npm run check:ownership                     10,000 histories, from a seed that is printed
 *   npm run check:ownership -- 500              so many
 *   npm run check:ownership -- 500 --from 42    from this seed on
 *   npm run check:ownership -- --replay 42      one, with everything that happened in it
 */
import { parseArgs } from 'node:util';
import { runHistory } from '../test/ownership/history.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { from: { type: 'string' }, replay: { type: 'string' } },
});

const SHOWN = 5;

if (values.replay !== undefined) {
  const { violations, lines } = await runHistory(Number(values.replay));
  for (const line of lines) console.log(line);
  process.exitCode = violations.length > 0 ? 1 : 0;
} else {
  const number = Number(positionals[0] ?? 10_000);
  const from = Number(values.from ?? Math.floor(Math.random() * 1e9));
  console.log(`${number} histories from seed ${from}`);
  const startedMs = performance.now();
  const broken = new Map<string, number[]>();
  let [steps, lastedMs] = [0, 0];
  for (let seed = from; seed < from + number; seed += 1) {
    const history = await runHistory(seed);
    steps += history.steps;
    lastedMs += history.lastedMs;
    const [first] = history.violations;
    if (!first) continue;
    const seeds = broken.get(first.rule) ?? [];
    broken.set(first.rule, [...seeds, seed]);
    if (seeds.length < SHOWN) console.log(`seed ${seed}: ${first.rule}: ${first.text}`);
  }
  const tookMs = performance.now() - startedMs;
  const each = `${(tookMs / number).toFixed(1)} ms each, ${Math.round(steps / number)} steps, ${(lastedMs / number / 1000).toFixed(1)} s of virtual time`;
  console.log(`${number} histories in ${(tookMs / 1000).toFixed(1)} s (${each})`);
  for (const [rule, seeds] of broken)
    console.log(`${rule}: ${seeds.length} times, as with seed ${seeds.slice(0, 8).join(', ')}`);
  process.exitCode = broken.size > 0 ? 1 : 0;
}
