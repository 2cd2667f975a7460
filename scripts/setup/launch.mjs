// Hands over to the program that was asked for: its output, its signals and its exit code are ours.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, getPriority, setPriority } from 'node:os';
import { stopRunningCommands } from './run-command.mjs';

/** What a shell answers for a program that a signal ended is this plus the signal's number. */
const SIGNAL_STATUS_BASE = 128;

/**
 * Whoever stops a group of processes signals each of them, and npm sends us its own once more: within this time it is
 * the same wish. Longer would swallow a person's second Ctrl-C, which asks to stop at once.
 */
const SAME_WISH_MS = 500;

/** By how much a program's niceness is raised that yields: it gets a tenth of the time that others want at that moment. */
const YIELDING = 10;
const MOST_NICE = 19;

/** @type {NodeJS.Signals[]} */
const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** @type {Set<import('node:child_process').ChildProcess>} */
const launched = new Set();

/**
 * Until a program is launched, a signal ends the set-up and whatever it is running; from then on the program decides.
 * A terminal sends Ctrl-C to every process in the foreground itself, so there it is not sent a second time.
 * @param {boolean} atTerminal
 */
export function passSignalsOn(atTerminal) {
  let passedOnMs = Number.NEGATIVE_INFINITY;
  for (const signal of passedOn) {
    process.on(signal, () => {
      if (launched.size === 0) {
        stopRunningCommands(signal);
        process.exit(SIGNAL_STATUS_BASE + constants.signals[signal]);
      }
      const nowMs = performance.now();
      if ((atTerminal && signal === 'SIGINT') || nowMs - passedOnMs < SAME_WISH_MS) return;
      passedOnMs = nowMs;
      for (const child of launched) child.kill(signal);
    });
  }
}

/**
 * @typedef {object} Where
 * @property {string} cwd
 * @property {NodeJS.ProcessEnv} env
 * @property {boolean} [yields] whether it, and all that it starts, goes behind other programs. Default: false
 */

/**
 * @param {string} node
 * @param {string[]} args
 * @param {Where} where
 * @returns {Promise<number>} the exit status for our own end
 */
export async function launch(node, args, where) {
  return (await launchWith(node, args, where, 'inherit')).status;
}

/**
 * As `launch`, with what the program says given back instead of shown.
 * @param {string} node
 * @param {string[]} args
 * @param {Where} where
 * @returns {Promise<{ status: number, output: string }>}
 */
export function launchQuietly(node, args, where) {
  return launchWith(node, args, where, 'pipe');
}

/**
 * @param {string} node
 * @param {string[]} args
 * @param {Where} where
 * @param {'inherit' | 'pipe'} output
 */
async function launchWith(node, args, { cwd, env, yields = false }, output) {
  const stdio = /** @type {const} */ ([output === 'pipe' ? 'ignore' : 'inherit', output, output]);
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', ...args], { cwd, env, stdio: [...stdio] });
  if (yields && child.pid !== undefined) yieldToOthers(child.pid);
  /** @type {Buffer[]} */
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => said.push(chunk));
  launched.add(child);
  const [code, signal] = await once(child, 'close');
  launched.delete(child);
  const status = signal ? SIGNAL_STATUS_BASE + constants.signals[/** @type {NodeJS.Signals} */ (signal)] : code;
  return { status, output: Buffer.concat(said).toString() };
}

/** @param {number} pid of a program that has only just been started: what it starts from now on is as nice */
function yieldToOthers(pid) {
  try {
    setPriority(pid, Math.min(getPriority() + YIELDING, MOST_NICE));
  } catch {
    // It has ended already, or it is not allowed: all the same, only not as kind to the others.
  }
}
