// Gathers what a container image holds: what runs, without what only sets up, builds, bundles or tests.
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { workerPath } from './media-worker.mjs';
import { runCommand } from './run-command.mjs';

/**
 * @typedef {{ dependencies?: Record<string, string>, optionalDependencies?: Record<string, string>,
 *   peerDependencies?: Record<string, string> }} LockedPackage
 * @typedef {{ packages: Record<string, LockedPackage> }} Lock
 */

/** What the server runs, reads or serves. Folders are copied whole. */
const SERVED = [
  'LICENSE',
  'package.json',
  'agents',
  'client-sdk/dist',
  'media',
  'scripts/pod',
  'server',
  'signalling',
  'web/dist',
  'web/index.html',
  'web/style.css',
];

/** Dependencies that are there for set-up (esbuild, node) or are inside the browser's bundle: the server loads none. */
const NOT_LOADED = ['esbuild', 'mediasoup-client', 'node', 'socket.io-client'];

/** What packages bring for other systems, for browsers or for building, relative to node_modules. */
const foreign = [
  // The worker's C++ sources: the image has the worker itself.
  /^mediasoup\/worker(\/|$)/,
  // Of this package only the model is used.
  /^@ricky0123\/vad-web\/dist\/(?!silero_vad_v6\.onnx$).+/,
  /^@evan\/opus\/(wasm|tests)(\/|$)/,
  /\.d\.[mc]?ts(\.map)?$/,
  /\.js\.map$/,
];

/**
 * Copies the server into `app/` of a folder, and lists in `debian-packages` whose libraries its media worker needs.
 * @param {string} root the project's folder, set up
 * @param {string} target what is there is replaced
 * @param {NodeJS.ProcessEnv} env
 * @returns {import('./steps.mjs').Step}
 */
export function assembleImage(root, target, env) {
  return {
    name: `gather what runs in ${target}`,
    isDone: () => false,
    run: async () => {
      rmSync(target, { recursive: true, force: true });
      const app = join(target, 'app');
      for (const path of SERVED) cpSync(join(root, path), join(app, path), { recursive: true });
      const packages = copyPackages(root, app);
      const worker = join(app, 'bin/mediasoup-worker');
      mkdirSync(dirname(worker), { recursive: true });
      cpSync(workerPath(root, env), worker);
      const libraries = await debianPackagesOf(worker);
      writeFileSync(join(target, 'debian-packages'), libraries.map((name) => `${name}\n`).join(''));
      return `${packages} npm packages; the media worker needs ${libraries.join(', ') || 'no more libraries'}`;
    },
  };
}

/**
 * @param {string} root
 * @param {string} app
 * @returns {number} how many packages
 */
function copyPackages(root, app) {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const wanted = Object.keys(dependencies).filter((name) => !NOT_LOADED.includes(name));
  const paths = packagesNeeded(lock, wanted, (path) => existsSync(join(root, path, 'package.json')));
  const modules = realpathSync(join(root, 'node_modules'));
  for (const path of paths) {
    const inside = path.slice('node_modules/'.length);
    cpSync(join(modules, inside), join(app, path), {
      recursive: true,
      filter: (from) => {
        const file = from.slice(modules.length + 1);
        // A package inside another is in the list itself, if it is needed.
        return !file.endsWith('/node_modules') && isForThisSystem(file, process.platform, process.arch);
      },
    });
  }
  return paths.length;
}

/**
 * Follows dependencies through the lock file as Node would look for them: first inside the package, then outwards.
 * @param {Lock} lock
 * @param {string[]} wanted names
 * @param {(path: string) => boolean} isInstalled what is optional, or a peer, may be absent
 * @returns {string[]} folders, such as `node_modules/koa`
 */
export function packagesNeeded(lock, wanted, isInstalled) {
  /** @type {Set<string>} */
  const needed = new Set();
  /** @type {{ name: string, from: string }[]} */
  const open = wanted.map((name) => ({ name, from: '' }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const path = resolveInLock(lock, next.name, next.from);
    if (path === undefined || needed.has(path) || !isInstalled(path)) continue;
    needed.add(path);
    const { dependencies, optionalDependencies, peerDependencies } = lock.packages[path] ?? {};
    const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
    open.push(...names.map((name) => ({ name, from: path })));
  }
  return [...needed].sort();
}

/**
 * @param {Lock} lock
 * @param {string} name
 * @param {string} from the folder of the package that asks
 * @returns {string | undefined}
 */
function resolveInLock(lock, name, from) {
  for (let folder = from; ; folder = folder.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, '')) {
    const path = `${folder}${folder && '/'}node_modules/${name}`;
    if (path in lock.packages) return path;
    if (folder === '') return undefined;
  }
}

/**
 * @param {string} file relative to node_modules
 * @param {string} platform
 * @param {string} arch
 */
export function isForThisSystem(file, platform, arch) {
  if (foreign.some((pattern) => pattern.test(file))) return false;
  const runtime = /^onnxruntime-node\/bin\/napi-v\d+\/([^/]+)(?:\/([^/]+))?/.exec(file);
  if (runtime) return runtime[1] === platform && (runtime[2] === undefined || runtime[2] === arch);
  const opus = /^@evan\/opus\/node\/(\w+)-(\w+)\.node$/.exec(file);
  return !opus || (opus[1] === arch && opus[2] === platform);
}

/**
 * @param {string} program
 * @returns {Promise<string[]>} the Debian packages that its libraries come from; none of a program without any
 */
async function debianPackagesOf(program) {
  const libraries = librariesOf(await runCommand('ldd', [program]).catch(() => ''));
  const found = await Promise.all(libraries.map(debianPackageOf));
  return [...new Set(found.filter((name) => name !== undefined))].sort();
}

/**
 * @param {string} printed by ldd
 * @returns {string[]} paths
 */
export function librariesOf(printed) {
  return Array.from(printed.matchAll(/=> (\/\S+)/g), (match) => match[1] ?? '');
}

/**
 * @param {string} library
 * @returns {Promise<string | undefined>}
 */
async function debianPackageOf(library) {
  // Debian's /lib is a link to /usr/lib, and packages list their files under either.
  const places = [library, realpathSync(library), `/lib/${basename(dirname(library))}/${basename(library)}`];
  for (const place of places) {
    const owner = await runCommand('dpkg-query', ['--search', place]).catch(() => '');
    const name = /^([^:,\s]+)/.exec(owner)?.[1];
    if (name !== undefined) return name;
  }
  return undefined;
}
