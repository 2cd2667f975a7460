/** Measurements that clean up after themselves, also when somebody ends them in the middle. */

/** As shells tell it: 128 and the signal's number. */
const EXIT_STATUS = { SIGINT: 130, SIGTERM: 143 } as const;

/** A measurement was ended by a signal. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

export type Interruptible = {
  /** Aborted by SIGINT or SIGTERM. */
  signal: AbortSignal;
  /** What is to be closed at the end, the last first. */
  open: AsyncDisposableStack;
  /** Resolves as `work` does. @throws {Interrupted} as soon as the measurement is ended */
  unlessInterrupted: <Value>(work: Promise<Value>) => Promise<Value>;
};

/**
 * Runs a measurement. Whatever becomes of it, what it has opened is closed; a second signal ends the process at once.
 * @throws what `measure` throws, unless it was interrupted: then the exit status tells by what
 */
export async function interruptible(measure: (parts: Interruptible) => Promise<void>): Promise<void> {
  const interrupted = new AbortController();
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => undefined);
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (interrupted.signal.aborted) process.exit(EXIT_STATUS[name]);
      process.exitCode = EXIT_STATUS[name];
      process.stderr.write(`\n${name}: cleaning up; once more to end at once\n`);
      interrupted.abort(new Interrupted(name));
      aborted.reject(interrupted.signal.reason);
    });
  }
  const open = new AsyncDisposableStack();
  try {
    const unlessInterrupted = <Value>(work: Promise<Value>) => Promise.race([work, aborted.promise]);
    await measure({ signal: interrupted.signal, open, unlessInterrupted });
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
  } finally {
    await open.disposeAsync();
    // What was under way and cannot be called off must not keep the process.
    if (interrupted.signal.aborted) process.exit();
  }
}
