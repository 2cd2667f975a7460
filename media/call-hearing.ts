/** A call's ears, with what they hear passed on to its conversation and to the interruption of its voice. */
import type { ConversationEvent } from './conversation-events.ts';
import { Hearing, type HearingEvents, type HearingOptions } from './hearing.ts';
import type { Interrupter } from './interrupter.ts';

export type CallHearingOptions = Omit<HearingOptions, 'events'> & {
  interrupter: () => Interrupter;
  tell: (event: ConversationEvent, nowMs: number) => void;
  sessionMs: (nowMs: number) => number;
  onTurnEnded: HearingEvents['onTurnEnded'];
  onFault: (code: string, fault: unknown) => void;
};

export function createCallHearing(options: CallHearingOptions): Hearing {
  const { interrupter, tell, sessionMs, onTurnEnded, onFault } = options;
  return new Hearing({
    ...options,
    events: {
      onSpeechStarted: (startMs, nowMs) => {
        interrupter().speechStarted(startMs);
        tell({ type: 'speech-started', startMs: sessionMs(startMs) }, nowMs);
      },
      onSpeechEnded: (nowMs) => tell({ type: 'speech-stopped' }, nowMs),
      onWindow: (detector, nowMs) => interrupter().window(detector, nowMs),
      onWords: (text, final, nowMs) => {
        interrupter().words(text, final, nowMs);
        tell({ type: 'user-text', text }, nowMs);
      },
      onLateWords: (text, nowMs) => {
        if (!interrupter().isEchoOnly(text, nowMs)) tell({ type: 'late-words', text }, nowMs);
      },
      onTurnEnded,
      onRecogniserFailed: (fault, inARow, nowMs) => {
        onFault('recogniser_failed', fault);
        tell({ type: 'recogniser-failed', inARow }, nowMs);
      },
    },
  });
}
