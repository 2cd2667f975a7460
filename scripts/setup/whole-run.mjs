// A whole run of the tests: the stages of test-lanes.mjs, then once more what failed in them, then what came of it all.
import { countLine, readRecord } from './run-record.mjs';

/** More files than this that fail have nothing to do with bad luck, so they are not tried again. */
export const MOST_TRIED_AGAIN = 5;

/** Of a process that SIGHUP, SIGINT or SIGTERM ended: somebody wants the whole run to stop. */
const STOPPED = [129, 130, 143];

/** @typedef {import('./test-lanes.mjs').Lane} Lane */

/**
 * @typedef {(lane: Lane, how: { without: readonly string[], output: 'shown' | 'kept' }) =>
 *   Promise<{ status: number, output: string, record: string }>} RunFiles runs mocha over the files of a lane, with its
 *   output shown as it comes, or given back
 */

/**
 * @typedef {object} Outcome of one file or many
 * @property {Map<string, import('./run-record.mjs').Counts>} counts by file
 * @property {import('./run-record.mjs').Failure[]} failures
 * @property {string[]} faults what failed and cannot be tried again, since it is of no file
 * @property {string} output
 * @property {number | undefined} stopped the status of what somebody stopped
 */

/**
 * Runs all stages, though one of their lanes fails. Files in which something failed, a test, a hook, or the process itself,
 * are then run once more, each by itself in a process of its own, on the machine that has nothing else to do by then.
 * @param {readonly (readonly Lane[])[]} stages
 * @param {RunFiles} run
 * @param {(text: string) => void} write
 * @returns {Promise<number>} the exit status
 */
export async function runAll(stages, run, write) {
  const first = noOutcome();
  for (const lanes of stages) {
    const ended = await Promise.all(lanes.map((lane, index) => runToTheEnd(run, lane, index === 0 ? 'shown' : 'kept')));
    for (const outcome of ended) {
      write(outcome.output);
      addTo(first, outcome);
    }
    if (first.stopped !== undefined) return first.stopped;
  }
  const failed = [...new Set(first.failures.map(({ file }) => file))];
  const again = failed.length > MOST_TRIED_AGAIN ? undefined : await tryAgain(run, failed, write);
  if (again?.stopped !== undefined) return again.stopped;
  write(`${report(first, failed, again)}\n`);
  return first.faults.length > 0 || (failed.length > 0 && !again) || isBad(again) ? 1 : 0;
}

/** @param {Outcome | undefined} outcome */
function isBad(outcome) {
  return outcome !== undefined && (outcome.failures.length > 0 || outcome.faults.length > 0);
}

/** @returns {Outcome} */
function noOutcome() {
  return { counts: new Map(), failures: [], faults: [], output: '', stopped: undefined };
}

/**
 * @param {Outcome} total
 * @param {Outcome} outcome
 */
function addTo(total, { counts, failures, faults, stopped }) {
  for (const [file, its] of counts) total.counts.set(file, its);
  total.failures.push(...failures);
  total.faults.push(...faults);
  total.stopped ??= stopped;
}

/**
 * Where the process ends in the middle, the file that it was at has failed, and the rest runs in another process.
 * @param {RunFiles} run
 * @param {Lane} lane
 * @param {'shown' | 'kept'} output
 */
async function runToTheEnd(run, lane, output) {
  const total = noOutcome();
  /** @type {string[]} */
  const without = [];
  for (;;) {
    const { status, output: said, record } = await run(lane, { without, output });
    const { counts, failures, begun, underWay, isOver } = readRecord(record);
    addTo(total, { ...noOutcome(), counts, failures });
    total.output += said;
    if (STOPPED.includes(status)) total.stopped = status;
    if (total.stopped !== undefined) return total;
    if (isOver || underWay === undefined || without.includes(underWay)) {
      // Such as something that was left open, or an argument that mocha does not know.
      if (status !== 0 && failures.length === 0)
        total.faults.push(`${lane.patterns.join(' ')}: ended with status ${status}`);
      return total;
    }
    addTo(total, diedIn(underWay, status, counts.get(underWay)));
    const failedFiles = new Set(total.failures.map(({ file }) => file));
    if (failedFiles.size > MOST_TRIED_AGAIN || lane.patterns[0] === underWay) return total;
    without.push(...begun.filter((file) => file !== underWay), underWay);
  }
}

/**
 * @param {string} file
 * @param {number} status
 * @param {import('./run-record.mjs').Counts} [counts]
 * @returns {Outcome}
 */
function diedIn(file, status, counts = { passed: 0, failed: 0, skipped: 0 }) {
  const reason = `The process ended with status ${status} while it loaded or ran this file; what it said is further up.`;
  return {
    ...noOutcome(),
    counts: new Map([[file, { ...counts, failed: counts.failed + 1 }]]),
    failures: [{ file, title: 'the whole file', reason }],
  };
}

/**
 * @param {RunFiles} run
 * @param {readonly string[]} files
 * @param {(text: string) => void} write
 */
async function tryAgain(run, files, write) {
  const total = noOutcome();
  for (const file of files) {
    write(`\nOnce more, by itself: ${file}\n`);
    addTo(total, await runToTheEnd(run, { patterns: [file] }, 'shown'));
    if (total.stopped !== undefined) break;
  }
  return total;
}

/**
 * @param {Outcome} first
 * @param {readonly string[]} failed files
 * @param {Outcome | undefined} again what failed once more; undefined where nothing was tried again
 */
function report(first, failed, again) {
  const lines = failed.map((file) => fileReport(file, first, again));
  if (!again) {
    lines.push(`${failed.length} files failed. More than ${MOST_TRIED_AGAIN} is no bad luck: none was tried again.`);
  }
  for (const fault of [...first.faults, ...(again?.faults ?? [])]) lines.push(`Failed: ${fault}`);
  const counts = [...new Map([...first.counts, ...(again?.counts ?? [])]).values()];
  const sum = counts.reduce(
    (total, { passed, failed: notPassed, skipped }) => ({
      passed: total.passed + passed,
      failed: total.failed + notPassed,
      skipped: total.skipped + skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
  lines.push(countLine(sum, again ? failed.length : 0));
  return `\n${lines.join('\n\n')}`;
}

/**
 * @param {string} file
 * @param {Outcome} first
 * @param {Outcome | undefined} again
 */
function fileReport(file, first, again) {
  /** @param {Outcome} outcome */
  const ofFile = ({ failures }) => failures.filter((failure) => failure.file === file);
  const [atFirst, later] = [ofFile(first), again ? ofFile(again) : []];
  /** @param {import('./run-record.mjs').Failure[]} failures */
  const told = (failures) => failures.map(({ title, reason }) => `  ${title}\n${reason.replaceAll(/^/gm, '    ')}`);
  if (!again) return [`FAILED: ${file}`, ...told(atFirst)].join('\n');
  if (later.length > 0) {
    return [`FAILED TWICE: ${file}; at first:`, ...told(atFirst), 'and by itself:', ...told(later)].join('\n');
  }
  const failures = atFirst.length === 1 ? 'one failure' : `${atFirst.length} failures`;
  return [`Tried again: ${file}; it had ${failures} at first and passed by itself:`, ...told(atFirst)].join('\n');
}
