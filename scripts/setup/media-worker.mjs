// mediasoup's worker binary: found in the cache, downloaded ready-made, or built. Kept outside the checkout, so that a
// machine gets it once. mediasoup's own install script is never run.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, release } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { fingerprintFiles } from './fingerprint.mjs';
import { StepFailedError } from './steps.mjs';
import { satisfyNeeds, thisMachine, workerBuildNeeds } from './system-needs.mjs';
import { buildWorker } from './worker-build.mjs';

/** What the recipe consists of: a change to any of it builds the worker again. */
const RECIPE = ['scripts/mediasoup-worker/overlay', 'scripts/mediasoup-worker/recipe.json'];
/** The worker ends with this status when it is started by hand, without mediasoup's environment (its main.cpp). */
const STARTED_BY_HAND_STATUS = 41;
/** A machine that is cut off gets on with building after this long. */
const CONNECT_TIMEOUT_MS = 5000;
/** A line that takes longer for 3 MB is slower than building. */
const DOWNLOAD_TIMEOUT_MS = 120_000;

/**
 * @param {string} root the project's folder, its packages installed
 * @param {NodeJS.ProcessEnv} env
 * @returns {string} where the worker is, or will be once the step has run
 */
export function workerPath(root, env) {
  const own = env['MEDIASOUP_WORKER_BIN'];
  if (own) return own;
  const recipe = fingerprintFiles(root, RECIPE);
  const name = ['mediasoup-worker', mediasoupVersion(root), process.platform, process.arch, recipe].join('-');
  return join(cacheFolder(env, process.platform, homedir()), name);
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {NodeJS.Platform} platform
 * @param {string} home
 */
export function cacheFolder(env, platform, home) {
  if (env['XDG_CACHE_HOME']) return join(env['XDG_CACHE_HOME'], 'parley');
  return platform === 'darwin' ? join(home, 'Library/Caches/parley') : join(home, '.cache/parley');
}

/**
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @returns {import('./steps.mjs').Step}
 */
export function provideWorker(root, env) {
  return {
    name: "get mediasoup's worker",
    isDone: () => starts(workerPath(root, env)),
    run: async (report) => {
      const target = workerPath(root, env);
      if (env['MEDIASOUP_WORKER_BIN']) {
        throw new StepFailedError(
          `MEDIASOUP_WORKER_BIN names ${target}, which is no mediasoup worker that starts on this machine`,
          'name one that does, or unset the variable to have it downloaded or built',
        );
      }
      report('downloading');
      const url = prebuiltUrl(mediasoupVersion(root), process.platform, process.arch, release());
      const notDownloaded = await downloadWorker(url, target);
      if (notDownloaded === undefined) return 'downloaded';
      return `built, as ${notDownloaded}${await build(root, target, report)}`;
    },
  };
}

/**
 * @param {string} path
 * @returns {boolean} whether it is a worker that this machine can run: its libraries may have gone, or be too old
 */
function starts(path) {
  return existsSync(path) && spawnSync(path, [], { env: {}, stdio: 'ignore' }).status === STARTED_BY_HAND_STATUS;
}

/** @param {string} root */
function mediasoupVersion(root) {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return String(lock.packages['node_modules/mediasoup'].version);
}

/**
 * @param {string} url
 * @param {string} target
 * @returns {Promise<string | undefined>} why there is none, or nothing when it is in place
 */
export async function downloadWorker(url, target) {
  const connecting = new AbortController();
  const timer = setTimeout(() => connecting.abort(), CONNECT_TIMEOUT_MS);
  try {
    const signal = AbortSignal.any([connecting.signal, AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS)]);
    const response = await fetch(url, { signal });
    clearTimeout(timer);
    if (!response.ok) return `the download answered ${response.status}`;
    const tar = gunzipSync(Buffer.from(await response.arrayBuffer()));
    return install(target, fileInTar(tar, 'mediasoup-worker'));
  } catch {
    return 'it could not be downloaded';
  } finally {
    clearTimeout(timer);
  }
}

/**
 * @param {string} version
 * @param {string} platform
 * @param {string} arch
 * @param {string} osRelease
 * @returns {string} as mediasoup names what it publishes; on Linux by the kernel's major too
 */
export function prebuiltUrl(version, platform, arch, osRelease) {
  const kernel = platform === 'linux' ? `-kernel${Number.parseInt(osRelease, 10)}` : '';
  const file = `mediasoup-worker-${version}-${platform}-${arch}${kernel}.tgz`;
  return `https://github.com/versatica/mediasoup/releases/download/${version}/${file}`;
}

/**
 * @param {Buffer} tar
 * @param {string} name of a file at any depth
 * @returns {Buffer}
 */
export function fileInTar(tar, name) {
  const BLOCK = 512;
  for (let offset = 0; offset + BLOCK <= tar.length && tar[offset] !== 0;) {
    const path = tar.toString('utf8', offset, offset + 100).replace(/\0.*$/s, '');
    const sizeBytes = Number.parseInt(tar.toString('latin1', offset + 124, offset + 136), 8);
    if (basename(path) === name) return tar.subarray(offset + BLOCK, offset + BLOCK + sizeBytes);
    offset += BLOCK + Math.ceil(sizeBytes / BLOCK) * BLOCK;
  }
  throw new Error(`the archive holds no ${name}`);
}

/**
 * @param {string} target
 * @param {Buffer} binary
 * @returns {string | undefined} why it is of no use here
 */
function install(target, binary) {
  const unfinished = `${target}.${process.pid}`;
  mkdirSync(dirname(target), { recursive: true });
  try {
    writeFileSync(unfinished, binary);
    chmodSync(unfinished, 0o755);
    if (!starts(unfinished)) return 'the one to download does not start on this machine';
    renameSync(unfinished, target);
    return undefined;
  } finally {
    rmSync(unfinished, { force: true });
  }
}

/**
 * @param {string} root
 * @param {string} target
 * @param {(progress: string) => void} report
 * @returns {Promise<string>} what else was done
 */
async function build(root, target, report) {
  const purpose = "to build mediasoup's worker, which could not be downloaded";
  const installed = await satisfyNeeds(workerBuildNeeds, purpose, thisMachine, report);
  const cache = dirname(target);
  mkdirSync(cache, { recursive: true });
  removeAbandonedBuilds(cache);
  const work = join(cache, `building-${process.pid}`);
  rmSync(work, { recursive: true, force: true });
  try {
    const sources = join(root, 'node_modules/mediasoup/worker');
    const places = { sources, recipe: join(root, 'scripts/mediasoup-worker'), work };
    const useless = install(target, readFileSync(await buildWorker(places, report)));
    if (useless) throw new Error('what was built does not start');
  } catch (error) {
    throw new StepFailedError(
      "mediasoup's worker could not be built",
      'the output above says why; a worker built elsewhere can be named with MEDIASOUP_WORKER_BIN',
      error,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return installed ? `; ${installed}` : '';
}

/**
 * A build that was killed leaves its folder; one that still runs is left alone.
 * @param {string} cache
 */
function removeAbandonedBuilds(cache) {
  for (const name of readdirSync(cache)) {
    const pid = /^building-(\d+)$/.exec(name)?.[1];
    if (pid && !isRunning(Number(pid))) rmSync(join(cache, name), { recursive: true, force: true });
  }
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
