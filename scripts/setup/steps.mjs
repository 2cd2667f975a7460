// Runs steps one after the other and tells the person at the terminal what is going on.
import { CommandFailedError } from './run-command.mjs';

/**
 * @typedef {object} Step
 * @property {string} name what it does, as in "install npm packages"
 * @property {() => boolean | Promise<boolean>} isDone milliseconds at most: asked at every start
 * @property {(report: (progress: string) => void) => Promise<string | void>} run resolves to what is worth adding to
 *   the line that says it is done
 *
 * @typedef {object} Terminal
 * @property {(text: string) => void} write
 * @property {boolean} rewritesLines whether `\r` goes back to the start of the line, as on a screen and not in a log
 */

/** Without a screen a line about progress comes this often; more often would fill logs. */
const LOG_PROGRESS_MS = 10_000;
/** On a screen the seconds go on counting while nothing is reported. */
const SCREEN_PROGRESS_MS = 500;
/** Longer progress would wrap, and a wrapped line cannot be rewritten. */
const SCREEN_COLUMNS = 78;

/** A step that cannot be done, with what the person can do about it. */
export class StepFailedError extends Error {
  code = 'STEP_FAILED';

  /**
   * @param {string} reason
   * @param {string} remedy
   * @param {unknown} [cause] a failed command's output is shown
   */
  constructor(reason, remedy, cause) {
    super(reason, { cause });
    this.name = 'StepFailedError';
    this.remedy = remedy;
  }
}

/**
 * @param {Step[]} steps
 * @param {Terminal} terminal
 * @throws whatever a step throws, after saying which one it was
 */
export async function runSteps(steps, terminal) {
  for (const step of steps) {
    if (await step.isDone()) continue;
    const startedMs = performance.now();
    const progress = showProgress(step.name, terminal, startedMs);
    try {
      const note = await step.run(progress.report);
      progress.end();
      terminal.write(`parley: ${step.name}: done in ${seconds(startedMs)}${note ? ` (${note})` : ''}\n`);
    } catch (error) {
      progress.end();
      terminal.write(describeFailure(step.name, seconds(startedMs), error));
      throw error;
    }
  }
}

/**
 * @param {string} name
 * @param {Terminal} terminal
 * @param {number} startedMs
 */
function showProgress(name, terminal, startedMs) {
  let latest = '';
  const line = () => `parley: ${name} … ${[latest, seconds(startedMs)].filter(Boolean).join(', ')}`;
  const rewrite = () => terminal.write(`\r\u001B[K${line().slice(0, SCREEN_COLUMNS)}`);
  const log = () => terminal.write(`${line()}\n`);
  if (terminal.rewritesLines) rewrite();
  else terminal.write(`parley: ${name} …\n`);
  const timer = setInterval(
    terminal.rewritesLines ? rewrite : log,
    terminal.rewritesLines ? SCREEN_PROGRESS_MS : LOG_PROGRESS_MS,
  );
  return {
    /** @param {string} progress */
    report: (progress) => {
      latest = progress;
    },
    end: () => {
      clearInterval(timer);
      if (terminal.rewritesLines) terminal.write('\r\u001B[K');
    },
  };
}

/**
 * @param {string} name
 * @param {string} after how long it had run
 * @param {unknown} error
 * @returns {string} which step, why, and what to do, for a person
 */
export function describeFailure(name, after, error) {
  const reason = error instanceof Error ? error.message : String(error);
  const cause = error instanceof StepFailedError ? error.cause : error;
  const output = cause instanceof CommandFailedError ? cause.tail : '';
  const why = cause instanceof Error && cause !== error ? `\n  because: ${cause.message}` : '';
  const remedy = error instanceof StepFailedError ? error.remedy : 'see above, then run the same command again';
  return [
    `parley: ${name}: FAILED after ${after}`,
    ...(output ? [indent(output)] : []),
    `  ${reason}${why}`,
    `  What to do: ${remedy}`,
    '',
  ].join('\n');
}

/** @param {string} text */
function indent(text) {
  return text.replace(/^/gm, '  | ');
}

/** @param {number} sinceMs */
function seconds(sinceMs) {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
}
