/** A voice in a story: streams each word as a sound of its own, with or without the times of words, and dies on demand. */
import { sleeper, type After } from '../../../media/runtime/clock.ts';
import { ProviderError } from '../../../media/providers/errors.ts';
import { DEFAULT_TIMEOUTS } from '../../../media/providers/deadline.ts';
import type { SpokenAudio, TextToSpeech, WordTime } from '../../../media/providers/provider.ts';
import { EAR_RATE_HZ } from './story-ear.ts';
import { soundOf, type WordSounds } from './word-sounds.ts';

const SAMPLES_PER_MS = EAR_RATE_HZ / 1000;
/** From a clause to its first audio. */
const FIRST_AUDIO_MS = 100;
/** Audio of a piece, and the time that it takes to come: five times as fast as it is heard. */
const PIECE_MS = 200;
const PIECE_TAKES_MS = 40;
/** Silence after a clause. */
const BREATH_MS = 100;

export type StoryVoiceOptions = {
  name: string;
  sounds: WordSounds;
  after: After;
  /** Each clause whole, under a key, without word times: as an embedded voice does. Default: in pieces, with them. */
  embedded?: boolean;
};

export class StoryVoice implements TextToSpeech {
  readonly name: string;
  firstAudioMs = FIRST_AUDIO_MS;
  wordTimes = true;
  dead = false;
  readonly #options: StoryVoiceOptions;
  readonly #sleep: ReturnType<typeof sleeper>;
  readonly #kept = new Map<string, SpokenAudio>();
  /** What is left to be spoken until it breaks, and how it does. */
  #breaks: { words: number; code: ProviderError['code']; afterMs: number } | undefined;

  constructor(options: StoryVoiceOptions) {
    this.name = options.name;
    this.#options = options;
    this.#sleep = sleeper(options.after);
  }

  tellsNoWordTimes(): void {
    this.wordTimes = false;
  }

  takes(firstAudioMs: number): void {
    this.firstAudioMs = firstAudioMs;
  }

  /** Its connection breaks in the middle of the word after so many. */
  diesAfter(words: number): void {
    this.#breaks = { words, code: 'connection_lost', afterMs: 0 };
  }

  /** It brings nothing more, in the middle of the word after so many. */
  stallsAfter(words: number): void {
    this.#breaks = { words, code: 'stalled', afterMs: DEFAULT_TIMEOUTS.stallMs };
  }

  /** It speaks no more at all. */
  dies(): void {
    this.dead = true;
  }

  recovers(): void {
    this.dead = false;
  }

  async *speak(clauses: AsyncIterable<string>, _voice: string, signal: AbortSignal): AsyncIterable<SpokenAudio> {
    for await (const clause of clauses) {
      if (signal.aborted) return;
      if (!(await this.#waits(this.firstAudioMs, signal))) return;
      if (this.dead) throw this.#fault('vendor_failed');
      if (this.#options.embedded) yield this.#whole(clause);
      else yield* this.#pieces(clause, signal);
      if (signal.aborted) return;
    }
  }

  /** The same clause has the same samples, as its key promises. */
  #whole(clause: string): SpokenAudio {
    const kept = this.#kept.get(clause);
    if (kept) return kept;
    const { samples } = this.#speech(clause);
    const audio = { pcm: pcm(samples), text: clause, cacheKey: `${this.name}/${clause}` };
    this.#kept.set(clause, audio);
    return audio;
  }

  async *#pieces(clause: string, signal: AbortSignal): AsyncGenerator<SpokenAudio> {
    const { samples, words } = this.#speech(clause);
    const breaks = this.#breakIn(words);
    const end = breaks ? breaks.atMs * SAMPLES_PER_MS : samples.length;
    for (let from = 0; from < end; from += PIECE_MS * SAMPLES_PER_MS) {
      if (from > 0 && !(await this.#waits(PIECE_TAKES_MS, signal))) return;
      const to = Math.min(from + PIECE_MS * SAMPLES_PER_MS, end);
      const fromMs = from / SAMPLES_PER_MS;
      const within = words.filter(({ startMs }) => startMs >= fromMs && startMs < to / SAMPLES_PER_MS);
      const times = within.map(({ word, startMs, endMs }) => ({
        word,
        startMs: startMs - fromMs,
        endMs: endMs - fromMs,
      }));
      const told = this.wordTimes && times.length > 0 && { words: times };
      yield { pcm: pcm(samples.slice(from, to)), text: from === 0 ? clause : '', ...told };
    }
    if (!breaks) return;
    if (await this.#waits(breaks.afterMs, signal)) throw this.#fault(breaks.code);
  }

  #breakIn(words: readonly WordTime[]) {
    const breaks = this.#breaks;
    if (!breaks) return undefined;
    const broken = words[breaks.words];
    if (!broken) {
      breaks.words -= words.length;
      return undefined;
    }
    this.#breaks = undefined;
    const { code, afterMs } = breaks;
    return { code, afterMs, atMs: broken.startMs + 80 };
  }

  #speech(clause: string): { samples: Int16Array; words: WordTime[] } {
    const said = this.#options.sounds.say(clause);
    const ms = said.reduce((sum, word) => sum + word.ms, 0);
    const samples = new Int16Array((ms + BREATH_MS) * SAMPLES_PER_MS);
    let atMs = 0;
    const words = said.map((word) => {
      samples.set(soundOf(word, EAR_RATE_HZ), atMs * SAMPLES_PER_MS);
      atMs += word.ms;
      return { word: word.word, startMs: atMs - word.ms, endMs: atMs };
    });
    return { samples, words };
  }

  #fault(code: ProviderError['code']): ProviderError {
    return new ProviderError(code, 'the story says so', { provider: this.name });
  }

  async #waits(ms: number, signal: AbortSignal): Promise<boolean> {
    await this.#sleep(ms, signal).catch(() => undefined);
    return !signal.aborted;
  }
}

const pcm = (samples: Int16Array) => ({ samples, sampleRateHz: EAR_RATE_HZ });
