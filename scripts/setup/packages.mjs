// The npm packages, exactly as the lock file names them, and the install scripts that are let run.
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join, sep } from 'node:path';
import { fingerprint, readStamp, removeStamp, writeStamp } from './fingerprint.mjs';
import { runCommand } from './run-command.mjs';
import { StepFailedError } from './steps.mjs';

/**
 * @typedef {'production' | 'all'} Scope `all` adds what only tests and checks need
 * @typedef {{ dev?: boolean, optional?: boolean, devOptional?: boolean, link?: boolean, version?: string }} LockEntry
 * @typedef {{ packages: Record<string, LockEntry> }} Lock
 */

/** From this major on Node runs the project's TypeScript as it is. */
const WANTED_NODE_MAJOR = 24;

const REGISTRY_REMEDY =
  'check that the npm registry can be reached (npm ping) and that the disk is not full, then run the same command again';

/**
 * @param {string} root the project's folder
 * @param {Scope} scope
 * @returns {import('./steps.mjs').Step}
 */
export function installPackages(root, scope) {
  const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const key = fingerprint([lockText, process.platform, process.arch]);
  const stampPath = join(root, 'node_modules/.parley/packages.json');
  return {
    name: scope === 'all' ? 'install npm packages, those for tests too' : 'install npm packages',
    isDone: () =>
      isInstalled(readStamp(stampPath), key, scope) && missingPackages(JSON.parse(lockText), scope, root).length === 0,
    run: async () => {
      removeStamp(stampPath);
      try {
        await runNpm(root, ['ci', '--ignore-scripts', '--no-audit', '--no-fund', ...scopeFlags(scope)]);
      } catch (error) {
        throw new StepFailedError('npm could not install the packages of package-lock.json', REGISTRY_REMEDY, error);
      }
      const missing = missingPackages(JSON.parse(lockText), scope, root);
      if (missing.length > 0) {
        throw new StepFailedError(`npm left out ${missing.join(', ')}`, 'remove node_modules and run it again');
      }
      writeStamp(stampPath, { key, scope });
    },
  };
}

/**
 * @param {Record<string, unknown>} stamp
 * @param {string} key
 * @param {Scope} scope
 * @returns {boolean} a larger scope serves a smaller one, so a start after a test removes nothing
 */
export function isInstalled(stamp, key, scope) {
  return stamp['key'] === key && (stamp['scope'] === 'all' || stamp['scope'] === scope);
}

/**
 * @param {Lock} lock
 * @param {Scope} scope
 * @param {string} root
 * @param {(path: string) => boolean} [exists]
 * @returns {string[]} folders that the scope needs and that are not there; what is optional may be absent
 */
export function missingPackages(lock, scope, root, exists = existsSync) {
  return Object.entries(lock.packages)
    .filter(([path, entry]) => path !== '' && !entry.link && !entry.optional && !entry.devOptional)
    .filter(([, entry]) => scope === 'all' || !entry.dev)
    .map(([path]) => path)
    .filter((path) => !exists(join(root, path, 'package.json')));
}

/**
 * The user's own npm configuration may omit either kind; the include flags win over it.
 * @param {Scope} scope
 */
function scopeFlags(scope) {
  return ['--include=optional', scope === 'all' ? '--include=dev' : '--omit=dev'];
}

/**
 * Runs the install scripts that `allowScripts` of package.json allows, and no others.
 * @param {string} root
 * @returns {import('./steps.mjs').Step}
 */
export function runAllowedScripts(root) {
  const names = neededScripts(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')), ownNodeMajor(root));
  const stampPath = join(root, 'node_modules/.parley/scripts.json');
  const key = fingerprint([readFileSync(join(root, 'package-lock.json')), process.platform, process.arch, ...names]);
  return {
    name: `run the install script of ${names.join(', ')}`,
    isDone: () => names.length === 0 || (readStamp(stampPath)['key'] === key && broughtNodeExists(root, names)),
    run: async () => {
      removeStamp(stampPath);
      try {
        await runNpm(root, ['rebuild', ...names, '--ignore-scripts=false']);
        const note = names.includes('node') ? `Node ${await runCommand(broughtNode(root), ['--version'])}` : undefined;
        writeStamp(stampPath, { key });
        return note;
      } catch (error) {
        throw new StepFailedError('an install script failed', REGISTRY_REMEDY, error);
      }
    },
  };
}

/**
 * @param {{ allowScripts?: Record<string, boolean> }} packageJson
 * @param {number} ownMajor the machine's own Node
 * @returns {string[]} the npm package `node` is left alone where the machine's own Node is new enough
 */
export function neededScripts(packageJson, ownMajor) {
  return Object.entries(packageJson.allowScripts ?? {})
    .filter(([name, allowed]) => allowed && !(name === 'node' && ownMajor >= WANTED_NODE_MAJOR))
    .map(([name]) => name);
}

/**
 * @param {string} root
 * @returns {string} the Node to run TypeScript with
 */
export function modernNode(root) {
  return ownNodeMajor(root) >= WANTED_NODE_MAJOR ? process.execPath : broughtNode(root);
}

/** @param {string} root */
function broughtNode(root) {
  return join(root, 'node_modules/node/bin/node');
}

/**
 * @param {string} root
 * @param {string[]} names
 */
function broughtNodeExists(root, names) {
  return !names.includes('node') || existsSync(broughtNode(root));
}

/**
 * Once Node was brought, npm puts it first on the path and this very script may run in it: then the machine's own is old.
 * @param {string} root
 */
function ownNodeMajor(root) {
  if (process.execPath.startsWith(join(root, 'node_modules') + sep)) return 0;
  return Number.parseInt(process.versions.node, 10);
}

/**
 * @param {string} root
 * @param {string[]} args
 */
async function runNpm(root, args) {
  await runCommand('npm', args, { cwd: root, env: environmentForNpm(root, process.env) });
}

/**
 * npm must run in the machine's own Node: the one in node_modules is removed while npm installs.
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function environmentForNpm(root, env) {
  const path = (env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.startsWith(join(root, 'node_modules')));
  return { ...env, PATH: path.join(delimiter) };
}
