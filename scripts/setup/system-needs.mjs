// What has to be on the machine besides npm packages: found by looking for it, installed by apt-get where that is ours
// to do, and otherwise named in one message.
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runCommand } from './run-command.mjs';
import { StepFailedError } from './steps.mjs';

/**
 * @typedef {object} Need
 * @property {string} debian the package of Debian and Ubuntu
 * @property {string[]} [programs] any one of them satisfies the need: names on the path, or absolute paths
 * @property {string} [library] its name for pkg-config
 * @property {boolean} [canWait] true when nothing fails for the lack of it: it is mentioned, not insisted on
 *
 * @typedef {object} Machine
 * @property {(need: Need) => Promise<boolean>} has
 * @property {boolean} installsByApt whether apt-get is there and we are root
 */

/** @type {Need[]} */
export const workerBuildNeeds = [
  { debian: 'meson', programs: ['meson'] },
  { debian: 'ninja-build', programs: ['ninja'] },
  { debian: 'g++', programs: ['g++', 'clang++'] },
  { debian: 'pkg-config', programs: ['pkg-config'] },
  { debian: 'flatbuffers-compiler', programs: ['flatc'] },
  { debian: 'libflatbuffers-dev', library: 'flatbuffers' },
  { debian: 'libuv1-dev', library: 'libuv' },
  { debian: 'libssl-dev', library: 'openssl' },
  { debian: 'libsrtp2-dev', library: 'libsrtp2' },
  { debian: 'libabsl-dev', library: 'absl_flat_hash_map' },
];

/** Where a Chromium for the browser tests may be, the first found is used. */
export const chromiumPrograms = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/**
 * Tests give pods networks of their own where they may, that is as root on Linux; elsewhere they do without.
 *
 * @param {boolean} makesNetworks
 * @returns {Need[]}
 */
export function testNeedsWhere(makesNetworks) {
  return [
    { debian: 'chromium', programs: chromiumPrograms },
    { debian: 'redis-server', programs: ['redis-server'] },
    { debian: 'haproxy', programs: ['haproxy', '/usr/sbin/haproxy'] },
    { debian: 'shellcheck', programs: ['shellcheck'] },
    { debian: 'iproute2', programs: ['ip', '/usr/sbin/ip'], canWait: !makesNetworks },
    { debian: 'nftables', programs: ['nft', '/usr/sbin/nft'], canWait: !makesNetworks },
  ];
}

export const testNeeds = testNeedsWhere(process.platform === 'linux' && process.getuid?.() === 0);

/**
 * @param {string[]} programs
 * @returns {string | undefined} the full path of the first that can be run
 */
export function findProgram(programs) {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return programs
    .flatMap((program) => (program.startsWith('/') ? [program] : folders.map((folder) => join(folder, program))))
    .find(isExecutable);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @type {Machine} */
export const thisMachine = {
  has: async ({ programs, library }) => {
    if (programs) return findProgram(programs) !== undefined;
    return library !== undefined && (await hasLibrary(library));
  },
  installsByApt: process.getuid?.() === 0 && findProgram(['apt-get']) !== undefined,
};

/** @param {string} name */
async function hasLibrary(name) {
  try {
    await runCommand('pkg-config', ['--exists', name]);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {Need[]} needs
 * @param {Machine} machine
 * @returns {Promise<Need[]>}
 */
export async function missingNeeds(needs, machine) {
  const present = await Promise.all(needs.map((need) => machine.has(need)));
  return needs.filter((_, index) => !present[index]);
}

/**
 * @param {Need[]} needs
 * @param {string} purpose as in "for the tests"
 * @param {Machine} machine
 * @param {(progress: string) => void} report
 * @returns {Promise<string | undefined>} what was done or is worth knowing
 * @throws {StepFailedError} naming exactly what to install
 */
export async function satisfyNeeds(needs, purpose, machine, report) {
  const missing = await missingNeeds(needs, machine);
  if (missing.length === 0) return;
  if (machine.installsByApt) await installByApt(missing, report);
  const stillMissing = await missingNeeds(missing, machine);
  if (stillMissing.some((need) => !need.canWait)) {
    throw new StepFailedError(`not on this machine ${purpose}: ${namesOf(stillMissing)}`, installAdvice(stillMissing));
  }
  const installed = missing.filter((need) => !stillMissing.includes(need));
  const notes = [
    ...(installed.length > 0 ? [`installed ${namesOf(installed)}`] : []),
    ...(stillMissing.length > 0 ? [`not found, which nothing fails for: ${namesOf(stillMissing)}`] : []),
  ];
  return notes.join('; ');
}

/** @param {Need[]} needs */
function namesOf(needs) {
  return needs.map((need) => need.debian).join(', ');
}

/**
 * @param {Need[]} missing
 * @returns {string} one message that serves Debian, Ubuntu and everybody else
 */
export function installAdvice(missing) {
  const programs = missing.flatMap((need) => need.programs?.[0] ?? []);
  const libraries = missing.flatMap((need) => need.library ?? []);
  const elsewhere = [
    ...(programs.length > 0 ? [`the programs ${programs.join(', ')}`] : []),
    ...(libraries.length > 0 ? [`the libraries with headers that pkg-config calls ${libraries.join(', ')}`] : []),
  ];
  const debian = missing.map((need) => need.debian).join(' ');
  return `on Debian or Ubuntu: sudo apt-get install -y ${debian}; elsewhere install ${elsewhere.join(' and ')}`;
}

/**
 * @param {Need[]} missing
 * @param {(progress: string) => void} report
 */
async function installByApt(missing, report) {
  const packages = missing.map((need) => need.debian);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  /** @param {string} line */
  const onLine = (line) => report(line.trim().slice(0, 50));
  // Another apt may hold the lock, such as the machine's own daily update: two minutes outlast most of them.
  const patiently = ['-o', 'DPkg::Lock::Timeout=120'];
  try {
    report('apt-get update');
    await runCommand('apt-get', [...patiently, '-q', 'update'], { env, onLine });
    await runCommand('apt-get', [...patiently, '-qy', '--no-install-recommends', 'install', ...packages], {
      env,
      onLine,
    });
  } catch (error) {
    throw new StepFailedError(`apt-get could not install ${packages.join(' ')}`, aptRemedy(), error);
  }
}

function aptRemedy() {
  const onUbuntu = readDistribution() === 'ubuntu';
  return onUbuntu
    ? 'Ubuntu has no Chromium package: install Google Chrome (google.com/chrome); for any other package see above'
    : "check that Debian's packages can be reached (apt-get update), then run the same command again";
}

function readDistribution() {
  try {
    return /^ID=(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
