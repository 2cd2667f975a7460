/** A call's ears, with what they hear passed on to its conversation and to the interruption of its voice. */
import type { AgentVoice } from '../speech/agent-voice.ts';
import type { ConversationEvent } from '../conversation/conversation-events.ts';
import type { Decide } from '../turn/decision.ts';
import { Hearing, type HearingEvents, type HearingOptions } from '../hearing/hearing.ts';
import type { Interrupter } from './interrupter.ts';
import type { Speculator } from '../speech/speculator.ts';
import { endedTurn } from '../conversation/turn-input.ts';
import type { TurnUpkeep } from '../conversation/turn-upkeep.ts';

export type CallHearingOptions = Omit<HearingOptions, 'events'> & {
  interrupter: () => Interrupter;
  upkeep: () => TurnUpkeep;
  /** Undefined: no reply is begun before it is asked for. */
  speculator: () => Speculator | undefined;
  voice: () => AgentVoice;
  tell: (event: ConversationEvent, nowMs: number) => void;
  decide: Decide;
  sessionMs: (nowMs: number) => number;
  /** Start of the session, on the clock of the ears. */
  startedAtMs: () => number;
  onFault: (code: string, fault: unknown) => void;
};

export function createCallHearing(options: CallHearingOptions): Hearing {
  const { interrupter, upkeep, speculator, tell, sessionMs, onFault } = options;
  const hearing: Hearing = new Hearing({
    ...options,
    events: {
      onSpeechStarted: (startMs, nowMs) => {
        interrupter().speechStarted(startMs);
        speculator()?.speechStarted();
        tell({ type: 'speech-started', startMs: sessionMs(startMs) }, nowMs);
      },
      onSpeechEnded: (nowMs) => tell({ type: 'speech-stopped' }, nowMs),
      onWindow: (detector, nowMs) => {
        interrupter().window(detector, nowMs);
        speculator()?.window(detector.silenceMs, nowMs);
      },
      onRecognised: (event, text, nowMs) => speculator()?.recognised(event, interrupter().ownWords(text), nowMs),
      onWords: (text, final, nowMs) => {
        upkeep().words(text, nowMs);
        interrupter().words(text, final, nowMs);
        tell({ type: 'user-text', text: interrupter().ownWords(text) }, nowMs);
      },
      onLateWords: (text, nowMs) => {
        if (interrupter().lateWords(text, nowMs)) tell({ type: 'late-words', text }, nowMs);
      },
      onTurnEnded: (turn, words, nowMs) => turnEnded(options, hearing, turn, words, nowMs),
      onRecogniserFailed: (fault, inARow, nowMs) => {
        onFault('recogniser_failed', fault);
        tell({ type: 'recogniser-failed', inARow }, nowMs);
      },
    },
  });
  return hearing;
}

type TurnEndedParameters = Parameters<HearingEvents['onTurnEnded']>;

function turnEnded(
  { interrupter, upkeep, speculator, voice, tell, decide, startedAtMs }: CallHearingOptions,
  hearing: Hearing,
  ...[turn, words, nowMs]: TurnEndedParameters
): void {
  const { audible: overheard, speech } = voice().playout;
  const own = words && interrupter().turnEnded(words.text, nowMs);
  // Of an echo nothing more is to come.
  const heard = words && { ...words, text: own!, settled: words.settled || (words.text !== '' && own === '') };
  const { speechMs, endpointingMs } = turn;
  decide('endpoint', words?.reason ?? 'pause', { speechMs, endpointingMs }, nowMs);
  const ended = endedTurn(turn, startedAtMs());
  upkeep().turnEnded(ended, !heard || heard.text !== '', nowMs);
  speculator()?.turnEnded(heard?.text ?? '', nowMs);
  tell({ type: 'turn-ended', turn: ended, ...(heard && { words: heard }) }, nowMs);
  // It was said into the agent's words, or while they were being prepared, and let them go on.
  if (speech) upkeep().ignored();
  // Until the reply is heard, the caller may go on with this turn: its audio stays.
  if (overheard) hearing.audio.recorder.discard();
}
