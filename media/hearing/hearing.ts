/**
 * One call's ears: the caller's audio, and where there is a recogniser the words in it, which then decide when turns end.
 * Times are the worker's clock, in ms.
 */
import { CallerAudio, type CallerAudioEvents, type CallerAudioOptions } from './caller-audio.ts';
import type { After } from '../runtime/clock.ts';
import { journaledPart } from '../journal/journal-parts.ts';
import type { ProviderFault, SpeechToText, SpeechToTextEvent } from '../providers/provider.ts';
import { Recognition } from './recognition.ts';
import type { SpeechDetector } from '../vad/speech-detector.ts';
import type { TurnEnded } from '../turn/turn-detector.ts';
import type { TurnText, Vote } from '../turn/turn-text.ts';

/** What was understood of a turn. `settled`: none of it is pending. */
export type HeardWords = { text: string; settled: boolean; reason: Vote['reason'] };

type RecogniserEvent = Exclude<SpeechToTextEvent, { type: 'error' }>;

export type HearingEvents = Omit<CallerAudioEvents, 'onTurnEnded'> & {
  /** All words of the turn that runs, whenever they change. */
  onWords: (text: string, final: boolean, nowMs: number) => void;
  /** Everything that the recogniser tells of the turn that runs. @param text all its words */
  onRecognised: (event: RecogniserEvent, text: string, nowMs: number) => void;
  /** Words that came when their turn had been taken as ended, and that it did not have. */
  onLateWords: (text: string, nowMs: number) => void;
  /** @param words undefined where there is no recogniser */
  onTurnEnded: (turn: TurnEnded, words: HeardWords | undefined, nowMs: number) => void;
  onRecogniserFailed: (fault: ProviderFault, inARow: number, nowMs: number) => void;
};

export type HearingOptions = Omit<CallerAudioOptions, 'events' | 'recogniser'> & {
  events: HearingEvents;
  speechToText?: SpeechToText | undefined;
  language?: string | undefined;
  after?: After | undefined;
};

/** Kept after the last window of speech: consonants that fade out. */
const TAIL_MS = 200;

export class Hearing {
  readonly #options: HearingOptions;
  readonly audio: CallerAudio;
  readonly #recognition: Recognition | undefined;
  readonly #text: TurnText | undefined;
  #running = false;
  #speechStartMs = 0;
  #lastSpeechMs = 0;
  /** The recogniser has been given the audio up to here, where it hears utterances as a whole. */
  #givenUntilMs = -Infinity;
  #vote: Vote['reason'] = 'unsettled';

  constructor(options: HearingOptions) {
    const { speechToText, endpointing, events, language, now, after } = options;
    this.#options = options;
    if (speechToText) {
      const { perUtterance, endsTurns = false } = speechToText;
      this.#text = journaledPart(options.journal, 'text', { endpointing, perUtterance, endsTurns, language });
      this.#recognition = new Recognition({
        speechToText,
        language,
        after,
        events: {
          onEvent: (event) => this.#onEvent(event, now()),
          onFailed: (fault, inARow) => events.onRecogniserFailed(fault, inARow, now()),
        },
      });
    }
    this.audio = new CallerAudio({
      ...options,
      events: {
        onSpeechStarted: this.#onSpeechStarted,
        onSpeechEnded: events.onSpeechEnded,
        onWindow: this.#onWindow,
        onTurnEnded: this.#onTurnEnded,
      },
      ...(this.#recognition && { recogniser: { window: this.#hear } }),
    });
  }

  /** Words are told of while they are said. */
  get tellsPartials(): boolean {
    return this.#recognition !== undefined && !this.#recognition.perUtterance;
  }

  /** The words of the turn that runs. */
  get text(): string {
    return this.#text?.text ?? '';
  }

  close(): void {
    this.#recognition?.close();
    this.audio.close();
  }

  readonly #hear = (samples: Float32Array): void => {
    if (!this.#recognition!.perUtterance) this.#recognition!.window(samples);
  };

  readonly #onSpeechStarted = (startMs: number, nowMs: number): void => {
    if (!this.#running) this.#speechStartMs = startMs;
    this.#running = true;
    this.#options.events.onSpeechStarted(startMs, nowMs);
  };

  readonly #onWindow = (detector: SpeechDetector, nowMs: number): void => {
    const text = this.#text;
    if (text && this.#running) {
      this.#lastSpeechMs = detector.lastSpeechMs;
      if (detector.silenceMs === 0) text.speech();
      else if (text.silence(detector.silenceMs, nowMs)) this.#flush();
      if (detector.silenceMs > 0) this.#cast(text);
    }
    this.#options.events.onWindow(detector, nowMs);
  };

  readonly #onTurnEnded = (turn: TurnEnded, nowMs: number): void => {
    this.#running = false;
    const words = this.#text && { ...this.#text.take(), reason: this.#vote };
    this.#options.events.onTurnEnded(turn, words, nowMs);
  };

  #onEvent(event: RecogniserEvent, nowMs: number): void {
    const text = this.#text!;
    if (!this.#running) {
      const late = event.type === 'final' ? text.late(event.text) : '';
      if (late) this.#options.events.onLateWords(late, nowMs);
      return;
    }
    const changed = text.note(event);
    this.#cast(text);
    // That nothing will change any more is news: one word alone may be all.
    if (changed || event.type === 'final') this.#options.events.onWords(text.text, event.type === 'final', nowMs);
    this.#options.events.onRecognised(event, text.text, nowMs);
  }

  #cast(text: TurnText): void {
    const { delayMs, reason } = text.vote();
    this.#vote = reason;
    this.audio.vote(delayMs);
  }

  #flush(): void {
    const recognition = this.#recognition!;
    if (recognition.perUtterance) {
      const { preRollMs } = this.#options.endpointing;
      const fromMs = Math.max(this.#speechStartMs, this.#givenUntilMs + preRollMs);
      this.#givenUntilMs = this.#lastSpeechMs + TAIL_MS;
      for (const pcm of this.audio.recorder.take(fromMs, this.#givenUntilMs).pcm(16_000)) recognition.write(pcm);
    }
    recognition.flush();
  }
}
