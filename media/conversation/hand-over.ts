/** When a call stops speaking for another pod to go on: in the first pause of both sides, or when time is over. Pure. */

/** A pause that is at least this long hides the change of voices. Smaller: stops between syllables. */
export const PAUSE_MS = 80;

/** What of a reply, or of a tool, is not known yet would be lost with this pod: it is waited for, but no longer than this. */
const INCOMPLETE_MS = 2000;

/** How a call stands at a moment. */
export type Moment = {
  /** Neither is the caller in a turn nor is a reply awaited. */
  atRest: boolean;
  /** The agent is not to be heard, or pauses here for `PAUSE_MS`. Asked only where it matters. */
  isPause: () => boolean;
  /** All that there is to be said is known, and how every tool went, so that nothing of it is lost. */
  complete: boolean;
};

export class HandOver {
  readonly #deadlineMs: number;

  constructor(nowMs: number, withinMs: number) {
    this.#deadlineMs = nowMs + withinMs;
  }

  isDue({ atRest, isPause, complete }: Moment, nowMs: number): boolean {
    if (!complete) return nowMs >= this.#deadlineMs + INCOMPLETE_MS;
    return nowMs >= this.#deadlineMs || (atRest && isPause());
  }
}
