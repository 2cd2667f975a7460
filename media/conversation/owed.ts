/** What the agent still has to say or to answer, once somebody can hear it. Pure. */
import type { BrokenClause, ConversationSnapshot, EndedBy, Reply, ReplyProgress } from './conversation-events.ts';

/** A reply that a break cuts off: whoever goes on writes down what was heard of it. */
export type CutOff = Pick<ConversationSnapshot, 'replyTurnId' | 'heard'>;

export type Owed = Pick<ConversationSnapshot, 'unheard' | 'broken' | 'ends' | 'unanswered'>;

/** Text without what only describes a sound: nobody can say that, or answer it. */
export const withoutSounds = (text: string): string => text.replace(/\[[^\]]*\]\s*/g, '').trim();

/** What is left of a reply: nothing of a greeting that was not heard, for that begins anew. */
export function owedOf(reply: Reply, progress: () => ReplyProgress): Owed {
  const { request, audible, userStartMs = 0 } = reply;
  if (audible && !isOpen(reply, progress)) return owedWords(progress().unheard, undefined, endOf(reply));
  if (request.kind === 'repeat') return owedWords(request.text, request.broken, endOf(reply));
  if (request.kind !== 'answer') return {};
  const { turnId, text } = request;
  return { unanswered: { turnId, startMs: Math.round(userStartMs), ...(text !== undefined && { text }) } };
}

export function cutOff({ request: { turnId }, audible, startMs }: Reply, progress: () => ReplyProgress): CutOff {
  const { text = '', durationMs = 0 } = (audible && progress().whole) || {};
  if (!text) return { replyTurnId: turnId };
  const heard = { text, startMs: Math.round(startMs), endMs: Math.round(startMs + durationMs) };
  return { replyTurnId: turnId, heard };
}

/** What is left when the voice stops at a word, for another one that goes on there. */
export function owedAtWord(reply: Reply, progress: () => ReplyProgress): Owed {
  const { rest, broken } = progress();
  if (!reply.audible || rest === undefined || isOpen(reply, progress)) return owedOf(reply, progress);
  return owedWords(rest, broken, endOf(reply));
}

/**
 * Owed in a conversation that goes on from a snapshot.
 * @param heard the caller's last turn was heard meanwhile, and is not lost
 * @param sayAgain said where nobody answered it
 */
export function owedAfter(
  { unheard, broken, ends, unanswered, speaking }: ConversationSnapshot,
  heard: boolean,
  sayAgain: string,
): Owed {
  const owed = owedWords(unheard ?? '', broken, ends);
  if (unanswered?.text !== undefined) return { ...owed, unanswered };
  // With the last words said, what the caller says into their end keeps nobody on the line.
  if (heard || (owed.ends && owed.unheard === undefined)) return owed;
  return owed.unheard === undefined && (unanswered || speaking) ? { unheard: sayAgain } : owed;
}

/** What answers the caller is not there to be said: "One moment, please." alone is not what is owed. */
function isOpen({ request: { kind }, hangsUp }: Reply, progress: () => ReplyProgress): boolean {
  const { bridgesOnly = false, findsOut = false } = progress();
  return kind === 'answer' && !hangsUp && (bridgesOnly || findsOut);
}

function owedWords(text: string, broken: BrokenClause | undefined, ends: EndedBy | undefined): Owed {
  const unheard = withoutSounds(text);
  return { ...(unheard && { unheard, ...(broken && { broken }) }), ...(ends && { ends }) };
}

function endOf({ request, hangsUp }: Reply): EndedBy | undefined {
  if (hangsUp) return 'agent';
  return request.kind === 'repeat' ? request.ends : undefined;
}
