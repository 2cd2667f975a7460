// How the tests are run: in stages, one after another, each of lanes that run side by side.

/**
 * Patterns of test files; every file belongs to one lane, which test/scripts/test-lanes.test.ts watches over. What mostly
 * waits runs side by side; browsers, which need the machine's time to themselves, when all of that is over.
 * @type {readonly (readonly (readonly string[])[])[]}
 */
export const stages = [
  [
    [
      'test/*.test.ts',
      ...folders('bench', 'client-sdk', 'deploy', 'fuzz', 'ownership', 'scripts', 'server', 'signalling', 'web'),
    ],
    folders('media'),
    folders('fleet'),
  ],
  [folders('browser', 'support')],
];

/** @param {string[]} names */
function folders(...names) {
  return names.map((name) => `test/${name}/**/*.test.ts`);
}

/**
 * Runs all stages, though one of their lanes fails.
 * @param {(patterns: readonly string[], output: 'shown' | 'kept') => Promise<{ status: number, output: string }>} run with
 *   its output shown as it comes, or given back
 * @param {(text: string) => void} write
 * @returns {Promise<number>} the first exit status other than 0
 */
export async function runLanes(run, write) {
  let status = 0;
  for (const [shown = [], ...kept] of stages) {
    const ended = await Promise.all([run(shown, 'shown'), ...kept.map((patterns) => run(patterns, 'kept'))]);
    for (const { output } of ended) write(output);
    status ||= ended.find((lane) => lane.status !== 0)?.status ?? 0;
  }
  return status;
}
