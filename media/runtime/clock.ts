/**
 * Milliseconds on the machine's monotonic clock, with fractions. Unlike `performance.now()`, whose zero is each
 * thread's own start, all threads of the process read the same time, so that a time can be handed from one to another.
 */
const offsetMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Runs something once, later, in ms. Returns how to call it off. Tests bring their own. */
export type After = (delayMs: number, run: () => void) => () => void;

export const after: After = (delayMs, run) => {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
};

export function monotonicMs(): number {
  return performance.now() + offsetMs;
}

/** Waiting on such a clock; it rejects when the signal aborts. */
export function sleeper(on: After): (ms: number, signal: AbortSignal) => Promise<void> {
  return (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const onAbort = (): void => {
        callOff();
        reject(signal.reason as Error);
      };
      const callOff = on(ms, () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
      signal.addEventListener('abort', onAbort, { once: true });
    });
}
