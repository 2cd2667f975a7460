/** The end of a call whose last words have been said: it comes when they have been heard, too. Pure. */
import type { EndedBy } from './conversation-events.ts';

/**
 * From the last packet of the agent until it has been heard: the way there, and what a browser holds back so as to play
 * evenly. Shorter: a farewell is cut off. Longer: the line stays open for nothing.
 */
const HEARD_AFTER_MS = 400;
/** Beyond what the client has told: one report is an average. */
const MARGIN_MS = 150;

export class LastWords {
  #end: { reason: EndedBy; dueMs: number } | undefined;

  /** @param hearsAfterMs how much later the client hears what is sent, where it has told */
  said(reason: EndedBy, nowMs: number, hearsAfterMs = 0): void {
    this.#end = { reason, dueMs: nowMs + Math.max(HEARD_AFTER_MS, hearsAfterMs + MARGIN_MS) };
  }

  /** @returns why the call is over now, once */
  poll(nowMs: number): EndedBy | undefined {
    if (!this.#end || nowMs < this.#end.dueMs) return undefined;
    const { reason } = this.#end;
    this.#end = undefined;
    return reason;
  }
}
