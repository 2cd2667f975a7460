/**
 * Mocha's own report, then one plain last line for people and machines that only look for the counts. In a whole run of the
 * tests that line comes at the very end, for all of it (`scripts/setup/whole-run.mjs`), from what is recorded here. A run that
 * leaves something open would hang there without a word: it says what is open, and fails.
 */
import Mocha from 'mocha';
import { countLine } from '../../scripts/setup/run-record.mjs';
import { inProject, recordEntry, recordPath } from './run-record.ts';

const { EVENT_RUN_END, EVENT_SUITE_BEGIN, EVENT_TEST_BEGIN, EVENT_TEST_FAIL, EVENT_TEST_PASS, EVENT_TEST_PENDING } =
  Mocha.Runner.constants;

/** Longer than any shutdown that goes on after the last test; shorter would fail runs that are only slow to close. */
const LEFT_OPEN_AFTER_MS = 10_000;

export default class CountReporter {
  readonly #spec: Mocha.reporters.Spec;

  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    this.#spec = new Mocha.reporters.Spec(runner, options);
    const counts = { passed: 0, failed: 0, skipped: 0 };
    runner.on(EVENT_TEST_PASS, () => counts.passed++);
    runner.on(EVENT_TEST_FAIL, () => counts.failed++);
    runner.on(EVENT_TEST_PENDING, () => counts.skipped++);
    if (recordPath) recordRun(runner);
    runner.once(EVENT_RUN_END, () => {
      if (!recordPath) process.stdout.write(`${countLine(counts)}\n`);
      failIfLeftOpen();
    });
  }

  /** Mocha waits for this before it sets the exit status. */
  done(failures: number, finish: (failures: number) => void): void {
    if (typeof this.#spec.done === 'function') this.#spec.done(failures, finish);
    else finish(failures);
  }
}

function recordRun(runner: Mocha.Runner): void {
  let file = '';
  const begin = (part: { file?: string | undefined }): void => {
    if (!part.file || file === inProject(part.file)) return;
    file = inProject(part.file);
    recordEntry({ event: 'begins', file });
  };
  runner.on(EVENT_SUITE_BEGIN, begin);
  // Of what stands outside every `describe`.
  runner.on(EVENT_TEST_BEGIN, begin);
  const fileOf = (runnable: Mocha.Runnable): string => (runnable.file ? inProject(runnable.file) : file);
  runner.on(EVENT_TEST_PASS, (test) => recordEntry({ event: 'passed', file: fileOf(test) }));
  runner.on(EVENT_TEST_PENDING, (test) => recordEntry({ event: 'skipped', file: fileOf(test) }));
  // Also for hooks, which are no tests but fail as they do.
  runner.on(EVENT_TEST_FAIL, (test, error: Error) => {
    const reason = error.stack ?? error.message;
    recordEntry({ event: 'failed', file: fileOf(test), title: test.fullTitle(), reason });
  });
  runner.once(EVENT_RUN_END, () => recordEntry({ event: 'over' }));
}

/** The timer itself keeps nothing alive, so it fires only where something else does. */
function failIfLeftOpen(): void {
  setTimeout(() => {
    const open = process.getActiveResourcesInfo().join(', ');
    process.stderr.write(`The tests are over and something of these is still open: ${open}\n`);
    // Mocha sets the status from the failures alone when the process exits; what is added now comes after that.
    process.once('exit', () => {
      process.exitCode = 1;
    });
    process.exit();
  }, LEFT_OPEN_AFTER_MS).unref();
}
