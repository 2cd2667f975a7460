// Bundles what runs in the browser: the SDK, and the page's code, which takes the SDK from the server as others would.
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fingerprintFiles, readStamp, removeStamp, writeStamp } from './fingerprint.mjs';
import { StepFailedError } from './steps.mjs';

/** @typedef {{ name: string, entry: string, output: string, inputs: string[], external: string[] }} Bundle */

/** What every bundle depends on besides its own sources: the bundler's version, the types, how it is called. */
const SHARED_INPUTS = ['package-lock.json', 'signalling/protocol.ts', 'scripts/setup/bundle.mjs'];

/** @type {Bundle[]} */
export const bundles = [
  {
    name: 'the browser SDK',
    entry: 'client-sdk/src/index.ts',
    output: 'client-sdk/dist/parley.js',
    inputs: ['client-sdk/src'],
    external: [],
  },
  {
    name: 'the page',
    entry: 'web/src/main.ts',
    output: 'web/dist/main.js',
    inputs: ['web/src', 'client-sdk/src'],
    external: ['/sdk/parley.js'],
  },
];

/**
 * @param {string} root
 * @param {Bundle} bundle
 * @returns {import('./steps.mjs').Step}
 */
export function buildBundle(root, { name, entry, output, inputs, external }) {
  const stampPath = join(root, dirname(output), '.built-from');
  const key = fingerprintFiles(root, [...SHARED_INPUTS, ...inputs]);
  return {
    name: `bundle ${name}`,
    isDone: () => readStamp(stampPath)['key'] === key && existsSync(join(root, output)),
    run: async () => {
      removeStamp(stampPath);
      if (!existsSync(join(root, entry))) {
        throw new StepFailedError(`${entry} is not there`, `restore it: git checkout ${entry}`);
      }
      try {
        mkdirSync(join(root, dirname(output)), { recursive: true });
        for (const file of await bundleFiles(root, entry, join(root, output), external)) {
          const unfinished = `${file.path}.${process.pid}`;
          writeFileSync(unfinished, file.contents);
          renameSync(unfinished, file.path);
        }
        writeStamp(stampPath, { key });
      } catch (error) {
        throw new StepFailedError(`esbuild could not bundle ${entry}`, 'mend what it names', error);
      }
    },
  };
}

/**
 * @param {string} root
 * @param {string} entry
 * @param {string} outfile
 * @param {string[]} external
 * @returns {Promise<import('esbuild').OutputFile[]>} the code and its source map
 */
async function bundleFiles(root, entry, outfile, external) {
  // Loaded only here: the package is there only once the packages step has run.
  const esbuild = await import('esbuild');
  try {
    return (await esbuild.build(optionsFor(root, entry, outfile, external))).outputFiles;
  } finally {
    // Otherwise its service process stays for as long as the server runs.
    await esbuild.stop();
  }
}

/**
 * @param {string} root
 * @param {string} entry
 * @param {string} outfile
 * @param {string[]} external
 * @returns {import('esbuild').BuildOptions & { write: false }}
 */
function optionsFor(root, entry, outfile, external) {
  return {
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: ['es2022'],
    minify: true,
    sourcemap: true,
    external,
    logLevel: 'silent',
    write: false,
  };
}
