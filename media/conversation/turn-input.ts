/** What a responder is given of a turn: what the conversation knows of it, and the audio that was kept. */
import type { EndedTurn, ReplyRequest } from './conversation-events.ts';
import type { TurnInput } from '../providers/provider.ts';
import type { TurnEnded } from '../turn/turn-detector.ts';
import type { UtteranceRecorder } from '../hearing/utterance.ts';

/** @param startedAtMs start of the session on the clock of the recorder; the request counts from there */
export function turnInput(
  request: Extract<ReplyRequest, { kind: 'answer' }>,
  recorder: UtteranceRecorder,
  startedAtMs: number,
): TurnInput {
  const { turnId, turn, turnIndex, text, cutIn } = request;
  const { speechMs, endpointingMs } = turn;
  const input: TurnInput = { turnId, speechMs, endpointingMs, turnIndex, ...(cutIn && { interruption: cutIn }) };
  if (text !== undefined) return { ...input, text };
  return { ...input, audio: recorder.take(turn.startMs + startedAtMs, turn.endOfSpeechMs + startedAtMs) };
}

/** A turn in session time. @param startedAtMs start of the session on the detector's clock */
export function endedTurn(turn: TurnEnded, startedAtMs: number): EndedTurn {
  return {
    startMs: Math.round(turn.startMs - startedAtMs),
    speechMs: Math.round(turn.speechMs),
    endOfSpeechMs: Math.round(turn.endOfSpeechMs - startedAtMs),
    endpointingMs: Math.round(turn.endpointingMs),
  };
}
