/** How late the main thread is: what it does for one call, all others wait for. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Between two looks, in ms: the histogram counts the whole time between them, this included. */
const RESOLUTION_MS = 10;
/** Delays are kept for this long: shorter would forget a hiccup before anybody is placed elsewhere because of it. */
const WINDOW_MS = 5_000;
const NS_PER_MS = 1e6;

export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #turn: NodeJS.Timeout;
  #previousMs = 0;

  constructor() {
    this.#histogram.enable();
    this.#turn = setInterval(() => {
      this.#previousMs = this.#presentMs;
      this.#histogram.reset();
    }, WINDOW_MS / 2);
    this.#turn.unref();
  }

  /** 99th percentile over the last 2.5 to 5 s, in ms. */
  get p99Ms(): number {
    return Math.max(this.#previousMs, this.#presentMs);
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#turn);
    this.#histogram.disable();
  }

  get #presentMs(): number {
    const delayMs = this.#histogram.percentile(99) / NS_PER_MS - RESOLUTION_MS;
    return this.#histogram.count === 0 ? 0 : Math.max(0, Math.round(delayMs * 100) / 100);
  }
}
