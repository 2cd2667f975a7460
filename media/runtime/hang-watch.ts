/**
 * Notices a process that lives and does nothing any more: one that is asked every so often and does not answer. Pure:
 * times come in, verdicts come out.
 */
export type HangWatchOptions = {
  /** `look` is called this often, in ms. */
  intervalMs: number;
  /** An answer that takes longer than this does not come. Shorter takes a busy process for a dead one. */
  limitMs: number;
};

export type HangVerdict = { ask: true } | { hungForMs: number } | undefined;

export class HangWatch {
  readonly #options: HangWatchOptions;
  #askedMs: number | undefined;
  #lookedMs: number | undefined;

  constructor(options: HangWatchOptions) {
    this.#options = options;
  }

  /** @returns whether to ask now, or for how long there has been no answer */
  look(nowMs: number): HangVerdict {
    const { intervalMs, limitMs } = this.#options;
    // While this thread itself stood still no answer could be taken: that is not the other's fault.
    const ownStallMs = Math.max(0, nowMs - (this.#lookedMs ?? nowMs) - 2 * intervalMs);
    this.#lookedMs = nowMs;
    if (this.#askedMs === undefined) {
      this.#askedMs = nowMs;
      return { ask: true };
    }
    this.#askedMs += ownStallMs;
    const waitedMs = nowMs - this.#askedMs;
    return waitedMs > limitMs ? { hungForMs: waitedMs } : undefined;
  }

  answered(): void {
    this.#askedMs = undefined;
  }
}
