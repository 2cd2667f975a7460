/** What `unlessAborted` resolves with when it was. */
export const ABORTED = Symbol('aborted');

/** Waits for a promise no longer than until the signal aborts; leaves nothing attached to either. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | typeof ABORTED> {
  const aborted = Promise.withResolvers<typeof ABORTED>();
  const onAbort = () => aborted.resolve(ABORTED);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  promise.catch(() => undefined);
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
