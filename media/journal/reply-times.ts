/** How long the replies of a call took, from its journal. Pure. */
import type { ConversationEffect, ConversationEvent } from '../conversation/conversation-events.ts';
import type { ReadJournal } from './journal-line.ts';

/** From the order for a reply to its first packet, and from that to its end if nobody had cut in. */
export type ReplyTime = { audibleAfterMs: number; lengthMs: number };

/** One that was cut off would have gone on; for how long, nobody knows. */
const REST_OF_CUT_OFF_MS = 3_000;
/** One that never was heard. */
const NEVER_HEARD: ReplyTime = { audibleAfterMs: 10_000, lengthMs: 0 };

/** In the order in which they were ordered. */
export function replyTimes({ lines }: ReadJournal): ReplyTime[] {
  const times: ReplyTime[] = [];
  let orderedMs = 0;
  let audibleMs: number | undefined;
  let pausedMs: number | undefined;
  let pausesMs = 0;
  const last = (time: ReplyTime) => times.length > 0 && times.splice(-1, 1, time);
  for (const line of lines) {
    if (!('part' in line) || line.part !== 'conversation' || line.call !== 'handle') continue;
    const { t } = line;
    const event = line.with[0] as ConversationEvent;
    if (event.type === 'reply-audible') {
      [audibleMs, pausedMs, pausesMs] = [t, undefined, 0];
      last({ audibleAfterMs: t - orderedMs, lengthMs: REST_OF_CUT_OFF_MS });
    } else if (event.type === 'output') {
      if (event.output === 'paused') pausedMs ??= t;
      else if (pausedMs !== undefined) [pausesMs, pausedMs] = [pausesMs + t - pausedMs, undefined];
    }
    const effects = (line.gives ?? []) as ConversationEffect[];
    const over = event.type === 'reply-finished';
    if (audibleMs !== undefined && (over || effects.some(({ type }) => type === 'abort-reply'))) {
      const lengthMs = (pausedMs ?? t) - audibleMs - pausesMs + (over ? 0 : REST_OF_CUT_OFF_MS);
      last({ audibleAfterMs: audibleMs - orderedMs, lengthMs });
      audibleMs = undefined;
    }
    if (effects.some(({ type }) => type === 'reply')) {
      times.push(NEVER_HEARD);
      [orderedMs, audibleMs] = [t, undefined];
    }
  }
  return times;
}
