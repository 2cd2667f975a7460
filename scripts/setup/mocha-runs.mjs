// Runs of mocha that tell how far they came.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch, launchQuietly } from './launch.mjs';

/**
 * @param {string} node
 * @param {string[]} mocha its program, and arguments for every run
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} where
 * @returns {import('./whole-run.mjs').RunFiles}
 */
export function mochaRuns(node, mocha, { cwd, env }) {
  return async ({ patterns, yields = false }, { without, output }) => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-tests-'));
    try {
      const path = join(folder, 'record');
      const ignored = without.flatMap((file) => ['--ignore', file]);
      const args = [...mocha, '--ui', './test/support/run-record.ts', ...ignored, ...patterns];
      const recorded = { cwd, env: { ...env, TEST_RECORD: path }, yields };
      const { status, output: said } =
        output === 'kept'
          ? await launchQuietly(node, args, recorded)
          : { status: await launch(node, args, recorded), output: '' };
      return { status, output: said, record: existsSync(path) ? readFileSync(path, 'utf8') : '' };
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}
