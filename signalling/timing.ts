/** Time for parts that wait by themselves; tests and simulations bring their own. */
export type Timing = {
  /** Unix ms. */
  nowMs: () => number;
  /** Runs something once, later. Returns how to call it off. */
  after: (delayMs: number, run: () => void) => () => void;
};

export const realTiming: Timing = {
  nowMs: Date.now,
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
