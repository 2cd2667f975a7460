// What has to hold for the source as it stands: types, rules, format. `npm run check` runs these and the architecture
// test; `npm test` runs each as a test.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.mjs';

/** @typedef {{ name: string, program: string, args: string[] }} Check */

/**
 * @param {string} root
 * @returns {Check[]}
 */
export function checksOf(root) {
  // The browser's code sees other types than the server's, so each has its own compiler configuration.
  const projects = ['.', 'client-sdk', 'web'].filter((folder) => existsSync(join(root, folder, 'tsconfig.json')));
  return [
    ...projects.map((folder) => ({
      name: folder === '.' ? 'check types' : `check types of ${folder}`,
      program: 'typescript/bin/tsc',
      args: ['--noEmit', '--project', folder],
    })),
    { name: 'lint', program: 'oxlint/bin/oxlint', args: ['--type-aware', '--deny-warnings'] },
    { name: 'check format', program: 'prettier/bin/prettier.cjs', args: ['--check', '--log-level', 'warn', '.'] },
  ];
}

/**
 * @param {string} root
 * @param {string} node
 * @param {Check} check
 * @throws {import('./run-command.mjs').CommandFailedError} with what it found
 */
export async function runCheck(root, node, { program, args }) {
  await runCommand(node, [join(root, 'node_modules', program), ...args], {
    cwd: root,
    // Everything that it found is to be mended, not only the last of it.
    tailLines: Number.POSITIVE_INFINITY,
  });
}
