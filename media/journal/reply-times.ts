/** How long the replies of a call took, from its journal. Pure. */
import type { ConversationEffect, ConversationEvent } from '../conversation/conversation-events.ts';
import type { PartTold, ReadJournal, Timed } from './journal-line.ts';
import type { SpeculationAction } from '../turn/speculation.ts';

/**
 * From the order for a reply to its first packet, and from that to its end if nobody had cut in. `aheadMs`: how long before
 * the order it had been begun; 0 where it had not.
 */
export type ReplyTime = { audibleAfterMs: number; aheadMs: number; lengthMs: number };

/** One that was cut off would have gone on; for how long, nobody knows. */
const REST_OF_CUT_OFF_MS = 3_000;
/** One that never was heard. */
const NEVER_HEARD = { audibleAfterMs: 10_000, lengthMs: 0 };

/** In the order in which they were ordered. */
export function replyTimes({ lines }: ReadJournal): ReplyTime[] {
  const times: ReplyTime[] = [];
  let orderedMs = 0;
  let audibleMs: number | undefined;
  let pausedMs: number | undefined;
  let pausesMs = 0;
  let aheadMs = 0;
  const begun = new BegunAhead();
  const last = (time: ReplyTime) => times.length > 0 && times.splice(-1, 1, time);
  for (const line of lines) {
    if ('part' in line && line.part === 'speculation') begun.note(line);
    if (!('part' in line) || line.part !== 'conversation' || line.call !== 'handle') continue;
    const { t } = line;
    const event = line.with[0] as ConversationEvent;
    if (event.type === 'reply-audible') {
      [audibleMs, pausedMs, pausesMs] = [t, undefined, 0];
      last({ audibleAfterMs: t - orderedMs, aheadMs, lengthMs: REST_OF_CUT_OFF_MS });
    } else if (event.type === 'output') {
      if (event.output === 'paused') pausedMs ??= t;
      else if (pausedMs !== undefined) [pausesMs, pausedMs] = [pausesMs + t - pausedMs, undefined];
    }
    const effects = (line.gives ?? []) as ConversationEffect[];
    const over = event.type === 'reply-finished';
    if (audibleMs !== undefined && (over || effects.some(({ type }) => type === 'abort-reply'))) {
      const lengthMs = (pausedMs ?? t) - audibleMs - pausesMs + (over ? 0 : REST_OF_CUT_OFF_MS);
      last({ audibleAfterMs: audibleMs - orderedMs, aheadMs, lengthMs });
      audibleMs = undefined;
    }
    if (effects.some(({ type }) => type === 'reply')) {
      aheadMs = begun.take(t);
      times.push({ ...NEVER_HEARD, aheadMs });
      [orderedMs, audibleMs] = [t, undefined];
    }
  }
  return times;
}

/** The reply that was begun ahead, until it is ordered or discarded. */
class BegunAhead {
  #begunMs: number | undefined;
  #accepted = false;

  note({ t, gives }: Timed<PartTold>): void {
    for (const action of (gives ?? []) as SpeculationAction[]) {
      if (action.do === 'use') this.#accepted = true;
      else [this.#begunMs, this.#accepted] = [action.do === 'begin' ? t : undefined, false];
    }
  }

  /** @returns how long before the order; 0 where what is ordered was not begun */
  take(orderedMs: number): number {
    const aheadMs = this.#accepted && this.#begunMs !== undefined ? orderedMs - this.#begunMs : 0;
    [this.#begunMs, this.#accepted] = [undefined, false];
    return aheadMs;
  }
}
