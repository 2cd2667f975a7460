/** One call's open recognition: the caller's windows go in, what was said comes out; opened again where it failed. */
import { after as realAfter, type After } from '../runtime/clock.ts';
import type { ProviderFault, SpeechToText, SpeechToTextEvent, SpeechToTextStream } from '../providers/provider.ts';

export type RecognitionEvents = {
  onEvent: (event: Exclude<SpeechToTextEvent, { type: 'error' }>) => void;
  /** No recogniser is left; another try follows after a pause. @param inARow without a word in between */
  onFailed: (fault: ProviderFault, inARow: number) => void;
};

export type RecognitionOptions = {
  speechToText: SpeechToText;
  language: string | undefined;
  events: RecognitionEvents;
  /** Pause before the stream is opened again, in ms. Default 500. */
  reopenAfterMs?: number;
  /** Default: the machine's time. */
  after?: After | undefined;
};

const REOPEN_AFTER_MS = 500;
const FULL_SCALE = 32_767;

export class Recognition {
  readonly #options: RecognitionOptions;
  readonly #closed = new AbortController();
  #stream: SpeechToTextStream | undefined;
  #failures = 0;
  #callOff: () => void = () => undefined;

  constructor(options: RecognitionOptions) {
    this.#options = options;
    this.#open();
  }

  /** Hears an utterance as a whole only. */
  get perUtterance(): boolean {
    return this.#options.speechToText.perUtterance;
  }

  /** 16 kHz mono, −1…1. */
  window(samples: Float32Array): void {
    this.write(Int16Array.from(samples, (sample) => Math.max(-1, Math.min(1, sample)) * FULL_SCALE));
  }

  write(pcm: Int16Array): void {
    this.#stream?.write(pcm);
  }

  flush(): void {
    this.#stream?.flush();
  }

  close(): void {
    this.#callOff();
    this.#closed.abort();
    this.#stream?.close();
    this.#stream = undefined;
  }

  #open(): void {
    const { speechToText, language } = this.#options;
    this.#stream = speechToText.open(language ? { language } : {}, this.#closed.signal);
    void this.#read(this.#stream);
  }

  async #read(stream: SpeechToTextStream): Promise<void> {
    const { events, reopenAfterMs = REOPEN_AFTER_MS, after = realAfter } = this.#options;
    for await (const event of stream) {
      if (this.#closed.signal.aborted) return;
      if (event.type !== 'error') {
        if (event.type === 'final') this.#failures = 0;
        events.onEvent(event);
        continue;
      }
      this.#stream = undefined;
      this.#failures++;
      // Doubles, so that vendors who are down for long are not asked all the time.
      this.#callOff = after(reopenAfterMs * 2 ** Math.min(this.#failures - 1, 6), () => this.#open());
      events.onFailed(event.error, this.#failures);
    }
  }
}
