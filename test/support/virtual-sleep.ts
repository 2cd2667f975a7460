import type { VirtualTiming } from './virtual-timing.ts';

/** Sleeps on virtual time; rejects when the signal aborts. */
export const virtualSleep =
  (timing: VirtualTiming) =>
  (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const cancel = timing.after(ms, resolve);
      signal.addEventListener('abort', () => (cancel(), reject(signal.reason as Error)), { once: true });
    });
