import type { ConnectTimings } from './types.ts';

/** Notes when each step of connecting was reached, the first time that it is. */
export class ConnectClock {
  readonly #now: () => number;
  #startMs = 0;
  #timings: ConnectTimings = {};

  /** @param now a clock in milliseconds that never goes back */
  constructor(now: () => number) {
    this.#now = now;
  }

  start(): void {
    this.#startMs = this.#now();
    this.#timings = {};
  }

  mark(step: keyof ConnectTimings): void {
    this.#timings[step] ??= Math.round((this.#now() - this.#startMs) * 10) / 10;
  }

  has(step: keyof ConnectTimings): boolean {
    return this.#timings[step] !== undefined;
  }

  get timings(): ConnectTimings {
    return { ...this.#timings };
  }
}
