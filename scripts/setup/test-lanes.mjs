// How the tests are run: those that mostly wait side by side, those that need the machine's time to themselves afterwards.

/**
 * Patterns of test files. Every file belongs to one lane, which test/scripts/test-lanes.test.ts watches over. What takes
 * minutes, since it waits for outages as long as those that it is about, is run by `npm run test:long`.
 * @type {{ sideBySide: readonly (readonly string[])[], alone: readonly string[], long: readonly string[] }}
 */
export const lanes = {
  sideBySide: [
    [
      'test/*.test.ts',
      ...folders('bench', 'client-sdk', 'deploy', 'ownership', 'scripts', 'server', 'signalling', 'web'),
    ],
    folders('media'),
  ],
  // Browsers, several servers at once, and what is measured there by the ear.
  alone: [...folders('browser', 'support'), 'test/fleet/{drain,failover-page,long-polling,metrics}.test.ts'],
  long: ['test/fleet/{expiry,failover,redis-away}.test.ts'],
};

/** @param {string[]} names */
function folders(...names) {
  return names.map((name) => `test/${name}/**/*.test.ts`);
}

/**
 * @param {(patterns: readonly string[], output: 'shown' | 'kept') => Promise<{ status: number, output: string }>} run with
 *   its output shown as it comes, or given back
 * @param {(text: string) => void} write
 * @returns {Promise<number>} the first exit status other than 0
 */
export async function runLanes(run, write) {
  const [shown = [], ...kept] = lanes.sideBySide;
  const ended = await Promise.all([run(shown, 'shown'), ...kept.map((patterns) => run(patterns, 'kept'))]);
  for (const { output } of ended) write(output);
  ended.push(await run(lanes.alone, 'shown'));
  return ended.find(({ status }) => status !== 0)?.status ?? 0;
}
