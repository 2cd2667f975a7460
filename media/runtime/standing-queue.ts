/**
 * Tells a queue that stands from one that is only long for a moment: a burst passes, and somebody in it is served at
 * once; where for a while even whoever waited least has waited long, more comes than is done, and the wait only grows
 * (the idea is CoDel's, RFC 8289 §3). Pure.
 */

/** Nobody waited less than this: the queue stands. Verdicts that much later let the agent be late to give way. */
const STANDING_MS = 100;
/** Looked at over this long; a caller's burst after a break of the network, 8 s of audio, is done in 600 ms. */
const INTERVAL_MS = 1000;
/** Once it stands: work that is too much is too much a moment later as well. */
const SHORT_INTERVAL_MS = 200;

export class StandingQueue {
  #leastMs = Infinity;
  #lookAgainMs = -Infinity;

  /** Somebody was served after so long. */
  served(waitedMs: number): void {
    if (waitedMs < this.#leastMs) this.#leastMs = waitedMs;
  }

  /** @returns whether it stands, asked at any time; true at most once for each interval */
  look(nowMs: number): boolean {
    if (nowMs < this.#lookAgainMs) return false;
    const stands = this.#leastMs > STANDING_MS && this.#leastMs < Infinity;
    this.#leastMs = Infinity;
    this.#lookAgainMs = nowMs + (stands ? SHORT_INTERVAL_MS : INTERVAL_MS);
    return stands;
  }
}
