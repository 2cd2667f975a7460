/** A reply that was begun before its turn was over: generated into speech that nobody hears unless it is confirmed. */
import type { Message, Speculative } from '../providers/provider.ts';
import type { SpeechAudio } from './speech-audio.ts';

export class SpeculativeReply implements Speculative {
  readonly speech: SpeechAudio;
  /** What it goes by, but for the caller's last words. */
  readonly history: readonly Message[];
  readonly generation = new AbortController();
  readonly outcome: Promise<void>;
  readonly #confirmation = Promise.withResolvers<void>();
  #confirmed = false;

  /** @param generate begins at once */
  constructor(
    speech: SpeechAudio,
    history: readonly Message[],
    generate: (reply: Speculative, signal: AbortSignal) => Promise<void>,
  ) {
    this.speech = speech;
    this.history = history;
    this.outcome = generate(this, this.generation.signal);
    this.outcome.catch(() => undefined);
  }

  get confirmed(): boolean {
    return this.#confirmed;
  }

  get whenConfirmed(): Promise<void> {
    return this.#confirmation.promise;
  }

  /** Its turn is over: from now on it is a reply like any other. */
  confirm(): void {
    this.#confirmed = true;
    this.#confirmation.resolve();
  }

  /** Ends whatever was opened for it. */
  discard(): void {
    this.generation.abort();
  }
}
