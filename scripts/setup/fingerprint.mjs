// Content keys, and the stamp files that say which content a finished step was made from.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/**
 * @param {(string | Buffer)[]} parts in order; their boundaries count
 * @returns {string} 16 hex digits: enough to tell versions of a project apart, short enough for a folder's name
 */
export function fingerprint(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('hex').slice(0, 16);
}

/**
 * The key of files by name and content, the same on every machine.
 * @param {string} root
 * @param {string[]} paths files or folders, relative to root; those that do not exist count as absent
 */
export function fingerprintFiles(root, paths) {
  const files = paths.flatMap((path) => filesUnder(join(root, path))).sort();
  return fingerprint(files.flatMap((file) => [relative(root, file), readFileSync(file)]));
}

/**
 * @param {string} path a file, a folder or nothing
 * @returns {string[]} every file at or below it
 */
function filesUnder(path) {
  try {
    return readdirSync(path).flatMap((name) => filesUnder(join(path, name)));
  } catch (error) {
    if (hasCode(error, 'ENOTDIR')) return [path];
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/**
 * @param {string} path
 * @returns {Record<string, unknown>} empty when there is no stamp or it cannot be read: the step is then done again
 */
export function readStamp(path) {
  try {
    const stamp = JSON.parse(readFileSync(path, 'utf8'));
    return typeof stamp === 'object' && stamp !== null ? stamp : {};
  } catch {
    return {};
  }
}

/**
 * Written last and by renaming, so that a stamp is there only when what it vouches for is complete.
 * @param {string} path
 * @param {Record<string, unknown>} stamp
 */
export function writeStamp(path, stamp) {
  mkdirSync(dirname(path), { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, JSON.stringify(stamp));
  renameSync(unfinished, path);
}

/** @param {string} path */
export function removeStamp(path) {
  rmSync(path, { force: true });
}

/**
 * @param {unknown} error
 * @param {string} code such as ENOENT
 */
export function hasCode(error, code) {
  return error instanceof Error && 'code' in error && error.code === code;
}
