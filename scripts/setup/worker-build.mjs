// Builds mediasoup's worker from the sources inside its npm package against the distribution's libraries.
// scripts/mediasoup-worker/README.md says why each of the changes is needed.
import { chmodSync, cpSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { findProgram } from './system-needs.mjs';
import { runCommand } from './run-command.mjs';

/**
 * @typedef {object} Recipe
 * @property {string[]} mesonArguments
 * @property {{ file: string, find: string, replace: string }[]} sourceChanges in mediasoup's own sources; each must be
 *   found, or the recipe does not fit this version
 * @property {number} sourcesPerUnit how many sources are compiled as one: more is faster and takes more memory, 8 less
 *   than half of the time and 0.5 GB a compiler
 * @property {string[]} compiledApart sources that define names which others define too
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
  const { mesonArguments, sourceChanges, sourcesPerUnit, compiledApart } = JSON.parse(
    readFileSync(join(recipe, 'recipe.json'), 'utf8'),
  );
  const overlay = join(recipe, 'overlay');
  const project = join(work, 'project');
  const out = join(work, 'out');
  cpSync(sources, project, { recursive: true });
  for (const change of sourceChanges) applyChange(project, change);
  for (const library of readdirSync(overlay)) {
    const wrapFile = readFileSync(join(project, 'subprojects', `${library}.wrap`), 'utf8');
    cpSync(join(overlay, library), join(project, 'subprojects', wrapDirectory(wrapFile)), { recursive: true });
  }
  mergeSources(project, sourcesPerUnit, compiledApart);
  report('configuring');
  await runCommand('meson', ['setup', out, project, ...mesonArguments]);
  await runCommand('ninja', ['-C', out, '-j', String(availableParallelism()), 'mediasoup-worker'], {
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
 * Reading the same headers for each of 200 small sources is most of the work, so several are compiled as one.
 * @param {string} project
 * @param {number} perUnit
 * @param {string[]} apart
 */
function mergeSources(project, perUnit, apart) {
  const path = join(project, 'meson.build');
  const meson = readFileSync(path, 'utf8');
  const { list, sources } = listedSources(meson);
  const merged = sources.filter((source) => !apart.includes(source));
  mkdirSync(join(project, 'merged'));
  /** @type {string[]} */
  const units = [];
  while (merged.length > 0) {
    const unit = `merged/unit${units.length}.cpp`;
    writeFileSync(join(project, unit), unitText(merged.splice(0, perUnit)));
    units.push(unit);
  }
  const compiled = [...sources.filter((source) => apart.includes(source)), ...units];
  writeFileSync(path, meson.replace(list, `common_sources = [${compiled.map((source) => `'${source}'`).join(',\n')}]`));
}

/**
 * @param {string} meson the text of mediasoup's meson.build
 * @returns {{ list: string, sources: string[] }} the statement that lists the worker's sources, and what it lists
 */
export function listedSources(meson) {
  const list = /^common_sources = \[[^\]]*\]/m.exec(meson)?.[0];
  if (list === undefined)
    throw new Error('the recipe does not fit this mediasoup: meson.build lists no common_sources');
  return { list, sources: Array.from(list.matchAll(/'([^']+)'/g), (match) => match[1] ?? '') };
}

/**
 * @param {string[]} sources
 * @returns {string} each source sets MS_CLASS to its own class
 */
function unitText(sources) {
  return sources.map((source) => `#undef MS_CLASS\n#include "../${source}"\n`).join('');
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
