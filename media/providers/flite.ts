/**
 * flite, the voice that needs no key and no download: speaks clause by clause in a thread of its own, and keeps what it
 * said, so that what recurs (greetings, numbers) is synthesised once.
 */
import { LRUCache } from 'lru-cache';
import { VOICES, type Voice } from '../agent/agent.ts';
import { SpeechError } from './errors.ts';
import { pronounceablePieces } from './flite-text.ts';
import { FliteWorker, type FliteWorkerOptions } from './flite-worker.ts';
import type { SpokenAudio, TextToSpeech } from './provider.ts';
import { ABORTED, orAborted } from './or-aborted.ts';

export type FliteVoiceOptions = FliteWorkerOptions & {
  /** Of the audio that it yields; flite itself speaks at 16 kHz. */
  sampleRateHz: 24000 | 48000;
  /** Audio kept for the next time. Default 16 MiB: 170 s at 48 kHz. */
  cacheBytes?: number;
};

/** A clause that is being synthesised for whoever waits for it; given up when nobody does. */
type Synthesis = { samples: Promise<Int16Array>; waiting: number; abandon: AbortController };

export class FliteVoice implements TextToSpeech {
  readonly name = 'flite';
  readonly sampleRateHz: number;
  readonly #worker: FliteWorker;
  readonly #cache: LRUCache<string, Int16Array>;
  readonly #syntheses = new Map<string, Synthesis>();

  constructor(options: FliteVoiceOptions) {
    this.sampleRateHz = options.sampleRateHz;
    this.#worker = new FliteWorker(options);
    this.#cache = new LRUCache({
      maxSize: options.cacheBytes ?? 16 * 1024 * 1024,
      sizeCalculation: (samples) => Math.max(1, samples.byteLength),
    });
  }

  /** Starts the thread ahead of the first clause; resolves when it can speak. */
  warm(): Promise<void> {
    return this.#worker.warm();
  }

  /**
   * Yields the audio of one clause after another, each as soon as it is there: 10 to 40 ms for one of 1 to 4 s. A clause
   * of more than 160 characters comes in pieces, one with nothing to pronounce not at all. The samples are shared with
   * whoever hears the same clause again and must not be changed. Ends, without an error, when `signal` aborts.
   * @throws SpeechError unknown_voice, speech_failed, speech_timed_out, speech_thread_died (retryable), closed
   */
  async *speak(clauses: AsyncIterable<string>, voice: string, signal: AbortSignal): AsyncGenerator<SpokenAudio> {
    if (!isVoice(voice)) throw new SpeechError('unknown_voice', `flite has no voice "${voice}"`);
    const source = clauses[Symbol.asyncIterator]();
    let exhausted = false;
    try {
      for (;;) {
        const clause = await orAborted(source.next(), signal);
        if (clause === ABORTED) return;
        exhausted = clause.done === true;
        if (clause.done) return;
        yield* this.#speakClause(clause.value, voice, signal);
      }
    } finally {
      // Not awaited: a source that is in the midst of waiting ends only with its wait.
      if (!exhausted) source.return?.().catch(() => undefined);
    }
  }

  /** Ends the thread; clauses still being spoken fail with `closed`. */
  async close(): Promise<void> {
    await this.#worker.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async *#speakClause(clause: string, voice: Voice, signal: AbortSignal): AsyncGenerator<SpokenAudio> {
    let text = clause;
    for (const piece of pronounceablePieces(clause)) {
      const cacheKey = `flite/${voice}/${this.sampleRateHz}/${piece}`;
      const samples = this.#cache.get(cacheKey) ?? (await this.#synthesise(cacheKey, voice, piece, signal));
      if (samples === ABORTED || signal.aborted) return;
      yield { pcm: { samples, sampleRateHz: this.sampleRateHz }, text, cacheKey };
      text = '';
    }
  }

  /** Asks the thread, once for all who want the same at the same time. */
  async #synthesise(
    key: string,
    voice: Voice,
    text: string,
    signal: AbortSignal,
  ): Promise<Int16Array | typeof ABORTED> {
    const synthesis = this.#syntheses.get(key) ?? this.#begin(key, voice, text);
    synthesis.waiting++;
    try {
      return await orAborted(synthesis.samples, signal);
    } finally {
      if (--synthesis.waiting === 0) {
        if (this.#syntheses.get(key) === synthesis) this.#syntheses.delete(key);
        synthesis.abandon.abort();
      }
    }
  }

  #begin(key: string, voice: Voice, text: string): Synthesis {
    const abandon = new AbortController();
    const samples = this.#worker.speak(voice, text, abandon.signal);
    const synthesis: Synthesis = { samples, waiting: 0, abandon };
    this.#syntheses.set(key, synthesis);
    samples.then(
      (spoken) => this.#cache.set(key, spoken),
      () => undefined,
    );
    return synthesis;
  }
}

function isVoice(voice: string): voice is Voice {
  return (VOICES as readonly string[]).includes(voice);
}
