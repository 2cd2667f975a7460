// Runs other programs: their output watched line by line, its end kept for the message when they fail.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Lines of a failed program's output that its error shows unless told; more would push the reason off the screen. */
const DEFAULT_TAIL_LINES = 25;

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

export class CommandFailedError extends Error {
  code = 'COMMAND_FAILED';

  /**
   * @param {string} command
   * @param {string} ending such as "exited with 1"
   * @param {string} tail the last lines that it printed
   */
  constructor(command, ending, tail) {
    super(`${command} ${ending}`);
    this.name = 'CommandFailedError';
    this.tail = tail;
  }
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd]
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {(line: string) => void} [options.onLine] each line of either output as it comes
 * @param {number} [options.tailLines] of its output, kept for the error
 * @returns {Promise<string>} everything that it printed
 */
export async function runCommand(
  command,
  args,
  { cwd, env = process.env, onLine, tailLines = DEFAULT_TAIL_LINES } = {},
) {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  /** @type {string[]} */
  const lines = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      onLine?.(line);
    });
  }
  const shown = [command, ...args].join(' ');
  try {
    const [code, signal] = await once(child, 'close');
    if (code !== 0) throw new CommandFailedError(shown, endingOf(code, signal), lines.slice(-tailLines).join('\n'));
    return lines.join('\n');
  } catch (error) {
    if (error instanceof CommandFailedError) throw error;
    throw new CommandFailedError(shown, 'could not be started', String(error));
  } finally {
    running.delete(child);
  }
}

/**
 * @param {number | null} code
 * @param {NodeJS.Signals | null} signal
 */
function endingOf(code, signal) {
  return signal ? `was ended by ${signal}` : `exited with ${code}`;
}

/**
 * Passes a signal on to whatever is running, so that nothing goes on building for a set-up that was given up.
 * @param {NodeJS.Signals} signal
 */
export function stopRunningCommands(signal) {
  for (const child of running) child.kill(signal);
}
