/**
 * Decides whether a voice worker has more to do than it can, and how many calls it may be given, from what it says of itself
 * with each heartbeat. Pure.
 */

/** Of the time since the heartbeat before. */
export type RecentLoad = {
  /** Part of the time in which the thread worked, 0…1; waiting for a core that others use is part of it. */
  busy: number;
  /** Nine of ten verdicts came sooner after their window, in ms. */
  verdictP90Ms: number;
  /** Windows that were not judged, because verdicts came too late. */
  windowsSkipped: number;
  /** 99 of 100 ticks of the send loop began sooner after their time, in ms: the event loop's delay. */
  loopDelayP99Ms: number;
  /** Part of the frames that left over 20 ms late, 0…1. */
  lateShare: number;
};

/**
 * A thread this busy has nothing left for a moment in which more comes together than usual: with 300 calls that never
 * stop talking it is at 0.8, and verdicts take 1 ms; from 0.95 on they take ten times that, and then ever longer.
 */
const OVERLOADED = { busy: 0.93, verdictP90Ms: 100 };
/**
 * Where media workers and the main thread share its core, a thread is late long before it is busy all the time. Then
 * lateness counts, from half of its time on: below, it is others that keep it waiting, and fewer calls would not mend it.
 */
const STRAINED = { busy: 0.5, loopDelayP99Ms: 15, lateShare: 0.002 };
/** Below these there is room again. Closer to the limits above, one call more would bring it back at once. */
const RECOVERED = { busy: 0.8, verdictP90Ms: 40, loopDelayP99Ms: 8, lateShare: 0.0005 };
/** Heartbeats in a row: less would take the moment in which many calls are opened for more than it is. */
const BEATS = 3;
/** Once it was too much, calls come back one by one, then two, and so on; from this many a heartbeat on, as they come. */
const FREE_FROM = 64;

export class OverloadWatch {
  #overloaded = false;
  /** Heartbeats in a row that speak for the other verdict. */
  #against = 0;
  /** Calls that it may be given until the next heartbeat, and what there were of them after the last one. */
  #places = Infinity;
  #allowance = Infinity;

  get overloaded(): boolean {
    return this.#overloaded;
  }

  /** Whether it may be given a call. */
  get hasRoom(): boolean {
    return !this.#overloaded && this.#places >= 1;
  }

  /** It was given a call. */
  placed(): void {
    this.#places--;
  }

  note(load: RecentLoad): void {
    if (!this.#overloaded) this.#allow(load);
    const speaksAgainst = this.#overloaded ? isWell(load) : isTooMuch(load);
    this.#against = speaksAgainst ? this.#against + 1 : 0;
    if (this.#against < BEATS) return;
    this.#overloaded = !this.#overloaded;
    this.#against = 0;
    this.#places = this.#allowance = this.#overloaded ? 0 : 1;
  }

  /** Twice as many as before while all is well, where so many came; no more otherwise. */
  #allow(load: RecentLoad): void {
    if (this.#allowance === Infinity) return;
    if (!isWell(load)) this.#allowance = 0;
    else if (this.#places < 1) this.#allowance = Math.max(1, this.#allowance * 2);
    if (this.#allowance >= FREE_FROM) this.#allowance = Infinity;
    this.#places = this.#allowance;
  }
}

function isTooMuch({ busy, verdictP90Ms, windowsSkipped, loopDelayP99Ms, lateShare }: RecentLoad): boolean {
  const late = loopDelayP99Ms > STRAINED.loopDelayP99Ms || lateShare > STRAINED.lateShare;
  return (
    busy > OVERLOADED.busy ||
    verdictP90Ms > OVERLOADED.verdictP90Ms ||
    windowsSkipped > 0 ||
    (busy > STRAINED.busy && late)
  );
}

function isWell({ busy, verdictP90Ms, windowsSkipped, loopDelayP99Ms, lateShare }: RecentLoad): boolean {
  const inTime = loopDelayP99Ms < RECOVERED.loopDelayP99Ms && lateShare < RECOVERED.lateShare;
  return (
    busy < RECOVERED.busy &&
    verdictP90Ms < RECOVERED.verdictP90Ms &&
    windowsSkipped === 0 &&
    (busy <= STRAINED.busy || inTime)
  );
}
