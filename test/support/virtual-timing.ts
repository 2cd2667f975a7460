/** Timers and promises on time that passes when a test says so. */
import type { Timing } from '../../signalling/timing.ts';

type Timer = { atMs: number; order: number; run: () => void };

export class VirtualTiming implements Timing {
  #nowMs: number;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(nowMs = 1_000_000) {
    this.#nowMs = nowMs;
  }

  readonly nowMs = (): number => this.#nowMs;

  readonly after = (delayMs: number, run: () => void): (() => void) => {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), order: (this.#order += 1), run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  /** Time goes by and nothing runs: what fell due meanwhile comes late, the oldest first. */
  standStill(ms: number): void {
    this.#nowMs += ms;
  }

  /** Resolves on virtual time. */
  readonly sleep = (ms: number): Promise<void> => new Promise((resolve) => void this.after(ms, resolve));

  /** Runs what falls due, in order, and whatever follows from it without further waiting. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settle();
    for (let timer = this.#next(untilMs); timer; timer = this.#next(untilMs)) {
      this.#nowMs = Math.max(this.#nowMs, timer.atMs);
      this.#timers.delete(timer);
      timer.run();
      await settle();
    }
    this.#nowMs = untilMs;
  }

  #next(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.atMs > untilMs) continue;
      if (!next || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order)) next = timer;
    }
    return next;
  }
}

/** Lets every promise that can go on go on: microtasks are exhausted before the next immediate runs. */
const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
