/**
 * Milliseconds on the machine's monotonic clock, with fractions. Unlike `performance.now()`, whose zero is each
 * thread's own start, all threads of the process read the same time, so that a time can be handed from one to another.
 */
const offsetMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

export function monotonicMs(): number {
  return performance.now() + offsetMs;
}
