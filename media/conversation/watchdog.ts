/** Notices that the caller has said something and nothing comes of it. Pure; times are ms on one clock. */

/** The caller said something, and nothing was scheduled: by then something has gone wrong. */
const PATIENCE_MS = 4_000;

export type Alarm = {
  /** `restart`: the words are to be answered now. `apologise`: that did not help. */
  action: 'restart' | 'apologise';
  text: string;
  waitedMs: number;
};

export class Watchdog {
  #waiting: { text: string; sinceMs: number; alarmed: boolean } | undefined;

  /** The caller's words; all of the turn. */
  words(text: string, nowMs: number): void {
    this.#waiting = { text, sinceMs: nowMs, alarmed: false };
  }

  /** A reply is under way, or the words were found to need none. */
  settled(): void {
    this.#waiting = undefined;
  }

  /** @param busy the caller speaks, or the agent does */
  poll(busy: boolean, nowMs: number): Alarm | undefined {
    const waiting = this.#waiting;
    if (!waiting) return undefined;
    if (busy) {
      waiting.sinceMs = nowMs;
      return undefined;
    }
    const waitedMs = nowMs - waiting.sinceMs;
    if (waitedMs < PATIENCE_MS) return undefined;
    const { text, alarmed } = waiting;
    if (alarmed) this.#waiting = undefined;
    else this.#waiting = { text, sinceMs: nowMs, alarmed: true };
    return { action: alarmed ? 'apologise' : 'restart', text, waitedMs };
  }
}
