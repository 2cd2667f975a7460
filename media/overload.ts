/** Decides whether a voice worker has more to do than it can, from what it says of itself with each heartbeat. Pure. */

/** Of the time since the heartbeat before. */
export type RecentLoad = {
  /** Part of the time in which the thread worked, 0…1. */
  busy: number;
  /** Nine of ten verdicts came sooner after their window, in ms. */
  verdictP90Ms: number;
  /** Windows that were not judged, because verdicts came too late. */
  windowsSkipped: number;
};

/**
 * A thread this busy has nothing left for a moment in which more comes together than usual: with 300 calls that never
 * stop talking it is at 0.8, and verdicts take 1 ms; from 0.95 on they take ten times that, and then ever longer.
 */
const OVERLOADED = { busy: 0.93, verdictP90Ms: 100 };
/** Below these there is room again. Closer to the limits above, one call more would bring it back at once. */
const RECOVERED = { busy: 0.8, verdictP90Ms: 40 };
/** Heartbeats in a row: less would take the moment in which many calls are opened for more than it is. */
const BEATS = 3;

export class OverloadWatch {
  #overloaded = false;
  /** Heartbeats in a row that speak for the other verdict. */
  #against = 0;

  get overloaded(): boolean {
    return this.#overloaded;
  }

  note(load: RecentLoad): void {
    const speaksAgainst = this.#overloaded ? isWell(load) : isTooMuch(load);
    this.#against = speaksAgainst ? this.#against + 1 : 0;
    if (this.#against < BEATS) return;
    this.#overloaded = !this.#overloaded;
    this.#against = 0;
  }
}

function isTooMuch({ busy, verdictP90Ms, windowsSkipped }: RecentLoad): boolean {
  return busy > OVERLOADED.busy || verdictP90Ms > OVERLOADED.verdictP90Ms || windowsSkipped > 0;
}

function isWell({ busy, verdictP90Ms, windowsSkipped }: RecentLoad): boolean {
  return busy < RECOVERED.busy && verdictP90Ms < RECOVERED.verdictP90Ms && windowsSkipped === 0;
}
