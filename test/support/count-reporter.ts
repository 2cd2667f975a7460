/**
 * Mocha's own report, then one plain last line for people and machines that only look for the counts. What passed only when
 * it was tried again is named before it, with what was wrong at first. A run that leaves something open would hang there
 * without a word: it says what is open, and fails.
 */
import Mocha from 'mocha';

const { EVENT_RUN_END, EVENT_TEST_FAIL, EVENT_TEST_PASS, EVENT_TEST_PENDING, EVENT_TEST_RETRY } =
  Mocha.Runner.constants;

/** Longer than any shutdown that goes on after the last test; shorter would fail runs that are only slow to close. */
const LEFT_OPEN_AFTER_MS = 10_000;

export default class CountReporter {
  readonly #spec: Mocha.reporters.Spec;

  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    this.#spec = new Mocha.reporters.Spec(runner, options);
    const counts = { passed: 0, failed: 0, skipped: 0, again: 0 };
    const again: string[] = [];
    runner.on(EVENT_TEST_PASS, () => counts.passed++);
    runner.on(EVENT_TEST_FAIL, () => counts.failed++);
    runner.on(EVENT_TEST_PENDING, () => counts.skipped++);
    runner.on(EVENT_TEST_RETRY, (test: Mocha.Test, error: Error) => {
      counts.again++;
      again.push(`tried again: ${test.fullTitle()}\n${error.stack ?? error.message}\n`);
    });
    runner.once(EVENT_RUN_END, () => {
      for (const text of again) process.stdout.write(`${text}\n`);
      process.stdout.write(`${countLine(counts)}\n`);
      failIfLeftOpen();
    });
  }

  /** Mocha waits for this before it sets the exit status. */
  done(failures: number, finish: (failures: number) => void): void {
    if (typeof this.#spec.done === 'function') this.#spec.done(failures, finish);
    else finish(failures);
  }
}

type Counts = { passed: number; failed: number; skipped: number; again: number };

export function countLine({ passed, failed, skipped, again }: Counts): string {
  const rest = [...(skipped > 0 ? [`${skipped} skipped`] : []), ...(again > 0 ? [`${again} tried again`] : [])];
  return [`${passed} passed`, `${failed} failed`, ...rest].join(', ');
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
