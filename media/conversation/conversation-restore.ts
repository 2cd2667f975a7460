/**
 * From where a conversation goes on in another voice worker or pod: what was saved of it, brought up to the transcript,
 * which is never older, and to what was heard of the caller meanwhile. Pure.
 */
import type { ConversationSnapshot, EndedTurn, HeardMeanwhile } from './conversation-events.ts';
import { withoutSounds } from './owed.ts';

/** A final line of the conversation, as the transcript keeps it. */
export type TranscriptLine = {
  turnId: string;
  role: 'user' | 'agent';
  text: string;
  startMs: number;
  endMs: number;
  estimated?: true;
};

/** Turn numbers skipped on restoring: more than any call can begin between two snapshots. */
export const TURN_NUMBER_SKIP = 20;

/** Two pods hear the same turn end at different times: by the network, by DTX, and by their clocks of the session. */
const SAME_TURN_MS = 1500;

/**
 * Brings a snapshot up to what the transcript has beyond it: a reply that ended since is not said again, a turn that was
 * answered is not answered again, and one that came since waits for its answer. Without a snapshot the transcript alone
 * has to do.
 */
export function reconcile(
  snapshot: ConversationSnapshot | undefined,
  transcript: readonly TranscriptLine[],
): ConversationSnapshot {
  const { unheard, replyTurnId, heard, broken, ends, unanswered, speaking, ...kept } =
    snapshot ?? fromTranscript(transcript);
  const answered = (turnId: string | undefined) =>
    transcript.some((line) => line.role === 'agent' && line.turnId === turnId);
  const last = transcript.at(-1);
  const isNews =
    last?.role === 'user' && (turnNumber(last.turnId) > kept.turnNumber || last.turnId === speaking?.turnId);
  const over = replyTurnId !== undefined && answered(replyTurnId);
  const open = isNews ? openTurn(last) : unanswered && !answered(unanswered.turnId) ? unanswered : undefined;
  const spokenOver = speaking && transcript.some((line) => line.turnId === speaking.turnId);
  return {
    ...kept,
    greeted: kept.greeted || transcript.some(({ role }) => role === 'agent'),
    turnNumber: Math.max(kept.turnNumber, ...transcript.map(({ turnId }) => turnNumber(turnId))),
    ...(unheard && !over && { unheard, ...(broken && { broken }) }),
    // Where nothing was left to say, the last words had been heard, and only the end was to come.
    ...(ends && (unheard ? !over : !isNews) && { ends }),
    ...(unheard && !over && replyTurnId !== undefined && { replyTurnId, ...(heard && { heard }) }),
    ...(open && { unanswered: open }),
    ...(speaking && !spokenOver && { speaking }),
  };
}

/** How a conversation goes on that was taken over with a snapshot, by what was heard of the caller meanwhile. */
export type Course =
  /** The caller is in a turn, or has just ended it (`turn`). A name: its beginning has been told of under that. */
  | { type: 'caller'; turnId?: string; startMs: number; speaking: boolean; turn?: EndedTurn }
  /** A turn that was told of waits for its answer. */
  | { type: 'answer'; turnId: string; turn: EndedTurn }
  | { type: 'none'; turn?: undefined };

export function courseOf({ speaking, unanswered }: ConversationSnapshot, heard: HeardMeanwhile): Course {
  const { speech, turn } = heard;
  if (speech) {
    const startMs = Math.min(speech.startMs, speaking?.startMs ?? Infinity);
    return { type: 'caller', ...(speaking && { turnId: speaking.turnId }), startMs, speaking: speech.speaking };
  }
  if (!turn) return { type: 'none' };
  if (speaking && turn.endOfSpeechMs > speaking.startMs) {
    return { type: 'caller', ...speaking, speaking: false, turn: { ...turn, startMs: speaking.startMs } };
  }
  if (unanswered && unanswered.text === undefined && isSame(turn, unanswered.startMs)) {
    return { type: 'answer', turnId: unanswered.turnId, turn };
  }
  return { type: 'none' };
}

function isSame(turn: EndedTurn, startMs: number): boolean {
  return Math.abs(turn.startMs - startMs) <= SAME_TURN_MS || (turn.startMs < startMs && startMs < turn.endOfSpeechMs);
}

function fromTranscript(transcript: readonly TranscriptLine[]): ConversationSnapshot {
  const turns = transcript.filter(({ role }) => role === 'user').length;
  return { greeted: turns > 0, turnIndex: turns, turnNumber: 0 };
}

function openTurn({ turnId, text, startMs }: TranscriptLine): NonNullable<ConversationSnapshot['unanswered']> {
  return { turnId, startMs, ...(withoutSounds(text) && { text }) };
}

/** Turns are named t1, t2, …; anything else is none of ours. */
function turnNumber(turnId: string): number {
  return Number(/^t(\d{1,9})$/.exec(turnId)?.[1] ?? 0);
}
