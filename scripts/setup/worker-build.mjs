// Builds mediasoup's worker from the sources inside its npm package against the distribution's libraries.
// scripts/mediasoup-worker/README.md says why each of the changes is needed.
import { chmodSync, cpSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from './system-needs.mjs';
import { runCommand } from './run-command.mjs';

/**
 * @typedef {object} Recipe
 * @property {string[]} mesonArguments
 * @property {{ file: string, find: string, replace: string }[]} sourceChanges in mediasoup's own sources; each must be
 *   found, or the recipe does not fit this version
 */

/**
 * @param {object} places
 * @param {string} places.sources the `worker` folder of the mediasoup package
 * @param {string} places.recipe the folder with recipe.json and, in overlay/, one meson project for each library
 * @param {string} places.work an empty folder to build in
 * @param {(progress: string) => void} report
 * @returns {Promise<string>} the binary, inside the work folder
 */
export async function buildWorker({ sources, recipe, work }, report) {
  /** @type {Recipe} */
  const { mesonArguments, sourceChanges } = JSON.parse(readFileSync(join(recipe, 'recipe.json'), 'utf8'));
  const overlay = join(recipe, 'overlay');
  const project = join(work, 'project');
  const out = join(work, 'out');
  cpSync(sources, project, { recursive: true });
  for (const change of sourceChanges) applyChange(project, change);
  for (const library of readdirSync(overlay)) {
    const wrapFile = readFileSync(join(project, 'subprojects', `${library}.wrap`), 'utf8');
    cpSync(join(overlay, library), join(project, 'subprojects', wrapDirectory(wrapFile)), { recursive: true });
  }
  report('configuring');
  await runCommand('meson', ['setup', out, project, ...mesonArguments]);
  await runCommand('ninja', ['-C', out, 'mediasoup-worker'], {
    env: { ...process.env, NINJA_STATUS: '[%f/%t] ' },
    onLine: (line) => {
      const progress = ninjaProgress(line);
      if (progress) report(progress);
    },
  });
  return stripped(join(out, 'mediasoup-worker'));
}

/**
 * @param {string} wrapFile the text of a meson wrap file
 * @returns {string} the folder that it would unpack the library to
 */
export function wrapDirectory(wrapFile) {
  const directory = /^directory\s*=\s*(\S+)/m.exec(wrapFile)?.[1];
  if (directory === undefined) throw new Error('a wrap file of this mediasoup names no directory');
  return directory;
}

/**
 * @param {string} line
 * @returns {string | undefined} such as "12/340 compiled"
 */
export function ninjaProgress(line) {
  const counts = /^\[(\d+)\/(\d+)\]/.exec(line);
  return counts ? `${counts[1]}/${counts[2]} compiled` : undefined;
}

/**
 * @param {string} project
 * @param {Recipe['sourceChanges'][number]} change
 */
function applyChange(project, { file, find, replace }) {
  const path = join(project, file);
  const text = readFileSync(path, 'utf8');
  if (!text.includes(find)) throw new Error(`the recipe does not fit this mediasoup: ${file} has no ${find}`);
  writeFileSync(path, text.replace(find, replace));
}

/**
 * Without its symbol table the binary is a third of the size.
 * @param {string} binary
 */
async function stripped(binary) {
  const small = `${binary}.stripped`;
  if (findProgram(['strip']) === undefined) renameSync(binary, small);
  else await runCommand('strip', ['-o', small, binary]);
  chmodSync(small, 0o755);
  return small;
}
