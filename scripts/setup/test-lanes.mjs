// In which order a whole run goes through the tests (whole-run.mjs): in stages, one after another, each of lanes that run
// side by side.

/**
 * @typedef {object} Lane
 * @property {readonly string[]} patterns of test files
 * @property {boolean} [yields] its tests mostly compute and may take as long as they take: all other lanes go before it
 */

/**
 * Every file belongs to one lane, which test/scripts/test-lanes.test.ts watches over. What mostly waits, for speech that
 * takes as long as it takes and for servers that fail, runs side by side, in lanes of about the same length; what computes
 * uses the time that they leave; browsers, which need the machine's time to themselves, come when all of that is over.
 * @type {readonly (readonly Lane[])[]}
 */
export const stages = [
  [
    {
      patterns: [
        'test/*.test.ts',
        ...folders('bench', 'client-sdk', 'deploy', 'fuzz', 'ownership', 'scripts', 'web'),
        // A thousand turns of every vendor, as fast as they can.
        'test/media/providers/leaks.test.ts',
      ],
      yields: true,
    },
    { patterns: folders('server', 'signalling') },
    { patterns: ['test/media/[a-o]*-conversation.test.ts', ...folders('support')] },
    { patterns: ['test/media/[p-z]*-conversation.test.ts'] },
    { patterns: ['test/media/!(*-conversation).test.ts', 'test/media/*/**/!(leaks).test.ts'] },
    // One fleet at a time: three servers that start, and take over in a second, need what there is of two cores.
    { patterns: folders('fleet') },
  ],
  [{ patterns: folders('browser') }],
];

/** @param {string[]} names */
function folders(...names) {
  return names.map((name) => `test/${name}/**/*.test.ts`);
}
