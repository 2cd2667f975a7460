/**
 * The embedded responder: plays back what it heard, says what it measured, and counts to twenty for the caller to cut
 * in. It keeps nothing between turns, so a restored call goes on as it would have.
 */
import { spokenDuration, spokenNumber } from '../languages/spoken-numbers.ts';
import type { Message, ReplyPart, Responder, TurnAudio, TurnInput } from './provider.ts';

/** What the transcript says where the caller's own voice is heard. */
export const PLAYBACK_TEXT = '[plays back what it heard]';
/** The beginning tells, in what the caller heard of it, that there was an invitation. */
const INVITATION_MARK = 'I will count to twenty';
const INVITATION = `${INVITATION_MARK}. Cut in whenever you like.`;
const HINT = 'You did not cut in. Type the word count to hear it again, and just start to speak while I do.';
const COUNT_TO = 20;
/** The turn after which it counts unasked, counted from 0. */
const INVITING_TURN = 1;
/** From this turn on the caller knows what the two times are. */
const BRIEF_FROM_TURN = 3;
/** People hear no difference below this, and round numbers are shorter to say. */
const ROUND_TO_MS = 10;

const COUNT_REQUEST = /^(please )?count( up)?( to (twenty|20))?( please)?$/;

export class Parrot implements Responder {
  /** Ends, without an error, when `signal` aborts. */
  async *respond(turn: TurnInput, history: readonly Message[], signal: AbortSignal): AsyncGenerator<ReplyPart> {
    for (const part of reply(turn, history)) {
      if (signal.aborted) return;
      yield part;
    }
  }
}

function* reply(turn: TurnInput, history: readonly Message[]): Generator<ReplyPart> {
  const asked = turn.text !== undefined && asksToCount(turn.text);
  if (turn.audio) {
    yield* playBack(turn, turn.audio);
    if (asked || (turn.turnIndex === INVITING_TURN && !hasInvited(history))) yield* count();
  } else if (asked) {
    yield* count();
  } else if (turn.text?.trim()) {
    yield say(turn.text);
  }
}

function* playBack(turn: TurnInput, audio: TurnAudio): Generator<ReplyPart> {
  if (turn.interruption) {
    const silentAfter = milliseconds(turn.interruption.silentAfterMs);
    yield say(`I stopped ${silentAfter} after you began.`);
  }
  yield { type: 'audio', audio, text: PLAYBACK_TEXT };
  const spoke = spokenDuration(turn.speechMs, { unit: 'seconds' });
  const waited = milliseconds(turn.endpointingMs);
  const brief = turn.turnIndex >= BRIEF_FROM_TURN;
  yield say(brief ? `${sentence(spoke)}; ${waited}.` : `You spoke for ${spoke}; I waited ${waited}.`);
}

/** Each number is a clause of its own: spoken and encoded once for all calls. */
function* count(): Generator<ReplyPart> {
  yield say(INVITATION);
  for (let n = 1; n <= COUNT_TO; n++) {
    const words = spokenNumber(n);
    yield say(`${n === 1 ? sentence(words) : words}${n < COUNT_TO ? ',' : '.'}`);
  }
  yield say(HINT);
}

/** The end of the line ends the clause, whatever it ends with. */
function say(text: string): ReplyPart {
  return { type: 'text', text: `${text}\n` };
}

function asksToCount(text: string): boolean {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return COUNT_REQUEST.test(words.join(' '));
}

function hasInvited(history: readonly Message[]): boolean {
  return history.some(({ role, text }) => role === 'agent' && text.includes(INVITATION_MARK));
}

function milliseconds(ms: number): string {
  return spokenDuration(Math.round(ms / ROUND_TO_MS) * ROUND_TO_MS, { unit: 'milliseconds' });
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
