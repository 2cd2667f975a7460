/**
 * Maps the page's clock to the session's. An event is told a little after it happened, by a delay that varies; the
 * shortest delay seen is the best estimate of the difference between the two clocks.
 */
export class SessionClock {
  #offsetMs: number | undefined;

  /** Whether the session's time is known at all. */
  get running(): boolean {
    return this.#offsetMs !== undefined;
  }

  /** Something that happened `atMs` into the session was told at `localMs`. */
  observe(atMs: number, localMs: number): void {
    const offsetMs = localMs - atMs;
    if (this.#offsetMs === undefined || offsetMs < this.#offsetMs) this.#offsetMs = offsetMs;
  }

  /** Another session begins. */
  reset(): void {
    this.#offsetMs = undefined;
  }

  /** The session's time at `localMs`; 0 before anything was observed. */
  at(localMs: number): number {
    return this.#offsetMs === undefined ? 0 : Math.max(0, localMs - this.#offsetMs);
  }
}
