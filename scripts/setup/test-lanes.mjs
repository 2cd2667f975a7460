// In which order a whole run goes through the tests (whole-run.mjs): in stages, one after another, each of lanes that run
// side by side.

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
