/**
 * Decides whether a voice worker may be given another call, from what it says of itself with each heartbeat and from how long
 * it has had its calls. Pure.
 *
 * Three things speak against one more: the work of those that it has, once they all talk, would fill the thread; it is late
 * already; or so many were too much before.
 */

/** Of the time since the heartbeat before. */
export type RecentLoad = {
  /** Part of the time in which the thread worked, 0…1; waiting for a core that others use is part of it. */
  busy: number;
  /** Part of the time in which it had a core, 0…1. */
  working: number;
  /** 99 of 100 verdicts came sooner after their window, in ms. */
  verdictP99Ms: number;
  /** Windows that were not judged, because verdicts came too late. */
  windowsSkipped: number;
  /** 99 of 100 ticks of the send loop began sooner after their time, in ms: the event loop's delay. */
  loopDelayP99Ms: number;
  /** Part of the frames that left over 20 ms late, 0…1. */
  lateShare: number;
};

/** Too much, whatever the reason: nothing is left for a moment in which more comes together than usual. */
const OVERLOADED = { busy: 0.93, verdictP99Ms: 200 };
/**
 * Where media workers and the main thread share its core, a thread is late long before it is busy all the time. Then lateness
 * counts, for one that gets so much of a core: below, it is others that keep it waiting, and fewer calls would not mend it.
 * The limits are those of a call that sounds well (0.1 % late, verdicts within 25 ms), less what is needed to notice in time.
 */
const STRAINED = { working: 0.25, verdictP99Ms: 20, loopDelayP99Ms: 12, lateShare: 0.001 };
/** Below these it is well again. Closer to the limits above, one call more would bring it back at once. */
const WELL = { busy: 0.8, verdictP99Ms: 12, loopDelayP99Ms: 8, lateShare: 0.0005 };
/** Heartbeats in a row: less would take the moment in which many calls are opened for more than it is. */
const BEATS = 3;

/**
 * As busy as this with all its calls talking, and it is full; and it has room again from the second one on. Measured with all
 * of a server on one core (bench:density): that is at some 150 calls, with no packet late and verdicts within 9 ms (p99).
 */
const FULL = { busy: 0.7, again: 0.65 };
/** Weight of the heartbeats before: what callers say varies by a tenth from one second to the next. */
const KEPT = 0.7;
/**
 * A call takes next to nothing while its client connects, and then hears a greeting that was encoded before. Its work begins
 * to show in the average of the heartbeats so long after it was opened, and shows in full so long after that. Smaller: more
 * are let in while others are on their way.
 */
const SETTLING = { afterMs: 4000, forMs: 12_000 };
/**
 * Part of the thread's time for each call on its way: what those that have settled take, within these bounds. Few calls cost
 * more each than many do, since there is time for more effort, and since each tick costs what it costs: 0.0065 with 50 calls,
 * 0.004 with 150 (bench:density).
 */
const COST = { least: 0.0035, most: 0.005 };

/** Once it was too much, so many are the most: of those that there were. */
const FEWER = 0.9;
/** As many more are tried with a heartbeat while all is well and as many came as may. */
const MORE = 1.03;

export class OverloadWatch {
  /** Calls and when it was given them. */
  readonly #sinceMs = new Map<string, number>();
  #busy = 0;
  #full = false;
  #strained = false;
  /** Heartbeats in a row that speak for the other verdict. */
  #against = 0;
  /** So many calls at most, by what was too much before. */
  #most = Infinity;

  /** Whether it is late, or has no time left. */
  get overloaded(): boolean {
    return this.#strained;
  }

  /** Whether it may be given a call. */
  hasRoom(nowMs: number): boolean {
    return !this.#strained && !this.#full && this.#sinceMs.size < Math.floor(this.#most) && this.#fitsOneMore(nowMs);
  }

  /** It was given a call. */
  opened(callId: string, nowMs: number): void {
    this.#sinceMs.set(callId, nowMs);
  }

  /** The call is over. */
  closed(callId: string): void {
    this.#sinceMs.delete(callId);
  }

  note(load: RecentLoad, nowMs: number): void {
    this.#busy = this.#busy * KEPT + ownBusyness(load) * (1 - KEPT);
    this.#full = this.#full ? this.#projected(nowMs) > FULL.again : !this.#fitsOneMore(nowMs);
    const well = isWell(load);
    const speaksAgainst = this.#strained ? well : isTooMuch(load);
    this.#against = speaksAgainst ? this.#against + 1 : 0;
    if (this.#against === BEATS) this.#turn();
    else if (well && !this.#strained) this.#allowMore();
  }

  #turn(): void {
    this.#against = 0;
    // While it stays too much it is said again after as many heartbeats, with fewer calls each time that some have gone.
    if (!this.#strained) this.#most = Math.max(1, Math.min(this.#most, this.#sinceMs.size) * FEWER);
    this.#strained = !this.#strained;
  }

  /** More only where as many are there: what was too much is not forgotten because nobody came. */
  #allowMore(): void {
    const wanted = this.#sinceMs.size >= Math.floor(this.#most);
    if (wanted) this.#most = Math.max(this.#most * MORE, this.#most + 1);
  }

  #fitsOneMore(nowMs: number): boolean {
    return this.#projected(nowMs) + this.#cost(this.#onTheirWay(nowMs)) <= FULL.busy;
  }

  /** How busy the thread will be once all its calls talk. */
  #projected(nowMs: number): number {
    const onTheirWay = this.#onTheirWay(nowMs);
    return this.#busy + onTheirWay * this.#cost(onTheirWay);
  }

  #cost(onTheirWay: number): number {
    const settled = this.#sinceMs.size - onTheirWay;
    return settled < 1 ? COST.most : Math.min(COST.most, Math.max(COST.least, this.#busy / settled));
  }

  /** Calls whose work does not show yet; one that shows half counts half. */
  #onTheirWay(nowMs: number): number {
    let sum = 0;
    for (const sinceMs of this.#sinceMs.values()) {
      const showing = (nowMs - sinceMs - SETTLING.afterMs) / SETTLING.forMs;
      sum += 1 - Math.min(1, Math.max(0, showing));
    }
    return sum;
  }
}

/** Of one that gets little of a core, waiting for it is not its calls' doing. */
function ownBusyness({ busy, working }: RecentLoad): number {
  return working > STRAINED.working ? busy : Math.min(busy, working);
}

function isTooMuch(load: RecentLoad): boolean {
  const overloaded = load.busy > OVERLOADED.busy || load.verdictP99Ms > OVERLOADED.verdictP99Ms;
  return overloaded || load.windowsSkipped > 0 || (load.working > STRAINED.working && isLate(load, STRAINED));
}

function isWell(load: RecentLoad): boolean {
  const late = load.working > STRAINED.working && isLate(load, WELL);
  return load.busy < WELL.busy && load.verdictP99Ms < OVERLOADED.verdictP99Ms && load.windowsSkipped === 0 && !late;
}

type Lateness = Pick<RecentLoad, 'verdictP99Ms' | 'loopDelayP99Ms' | 'lateShare'>;

function isLate(load: Lateness, limits: Lateness): boolean {
  return (
    load.verdictP99Ms > limits.verdictP99Ms ||
    load.loopDelayP99Ms > limits.loopDelayP99Ms ||
    load.lateShare > limits.lateShare
  );
}
