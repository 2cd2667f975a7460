/** Counts what happened within the last stretch of time. Pure: time comes in as `nowMs`. */
export type SlidingWindowOptions = {
  /** So many within the window are one too many. */
  limit: number;
  windowMs: number;
};

export class SlidingWindow {
  readonly #limit: number;
  readonly #windowMs: number;
  #hitsMs: number[] = [];

  constructor({ limit, windowMs }: SlidingWindowOptions) {
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  /** Notes one more. Returns whether the limit is reached. Holds at most `limit` times, however often it is called. */
  hit(nowMs: number): boolean {
    this.#hitsMs = this.#hitsMs.filter((hitMs) => hitMs > nowMs - this.#windowMs);
    this.#hitsMs.push(nowMs);
    if (this.#hitsMs.length > this.#limit) this.#hitsMs.shift();
    return this.#hitsMs.length >= this.#limit;
  }
}
