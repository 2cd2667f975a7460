/** A recogniser in a story: it understands the words that it really hears in the audio it is given, and is late, silent or dead on demand. */
import type { After } from '../../../media/runtime/clock.ts';
import { ProviderError } from '../../../media/providers/errors.ts';
import { EventQueue } from '../../../media/providers/event-queue.ts';
import type { SpeechToText, SpeechToTextEvent, SpeechToTextStream } from '../../../media/providers/provider.ts';
import { codeOf, type WordSounds } from './word-sounds.ts';

const RATE_HZ = 16_000;
const WINDOW_SAMPLES = 512;
const WINDOW_MS = 32;
/** Windows of the same sound that make a word; a single one is the way from one word to the next. */
const WORD_WINDOWS = 2;
const GAP_MS = 400;

export class StoryRecogniser implements SpeechToText {
  readonly name: string;
  readonly after: After;
  readonly sounds: WordSounds;
  perUtterance = false;
  endsTurns = false;
  /** From the end of a word to the partial with it. */
  partialAfterMs = 120;
  /** From a flush to its answer. */
  finalAfterMs = 60;
  deaf = false;
  dead = false;
  /** Of the silence after which it says by itself that the turn is over. */
  endsTurnAfterMs = Infinity;
  opened = 0;
  readonly #streams = new Set<StoryRecognition>();

  constructor(name: string, sounds: WordSounds, after: After) {
    this.name = name;
    this.sounds = sounds;
    this.after = after;
  }

  deliversFinalLate(ms: number): void {
    this.finalAfterMs = ms;
  }

  /** Flushes are not answered, and words stay partials. */
  deliversNoFinal(): void {
    this.finalAfterMs = Infinity;
  }

  /** Neither partials nor finals: it runs, and tells nothing. */
  deliversNothing(): void {
    this.partialAfterMs = this.finalAfterMs = Infinity;
  }

  /** It answers, but has understood no word. */
  understandsNothing(): void {
    this.deaf = true;
  }

  /** Only whole utterances: no partials. */
  hearsWholeUtterances(): void {
    this.perUtterance = true;
    this.finalAfterMs = 250;
  }

  /** Tells by itself, by more than the pause, that a turn is over. */
  endsTurnsItself(afterMs: number): void {
    this.endsTurns = true;
    this.endsTurnAfterMs = afterMs;
  }

  /** Its connection breaks, and no new one works. */
  dies(): void {
    this.dead = true;
    for (const stream of this.#streams) stream.fail();
  }

  recovers(): void {
    this.dead = false;
  }

  open(_options: { language?: string }, signal: AbortSignal): SpeechToTextStream {
    this.opened++;
    const stream = new StoryRecognition(this, () => this.#streams.delete(stream));
    this.#streams.add(stream);
    signal.addEventListener('abort', () => stream.close(), { once: true });
    if (this.dead) stream.fail();
    return stream;
  }
}

class StoryRecognition implements SpeechToTextStream {
  readonly #recogniser: StoryRecogniser;
  readonly #onEnd: () => void;
  readonly #events = new EventQueue<SpeechToTextEvent>(() => this.close());
  #rest = new Int16Array(0);
  #heardMs = 0;
  /** The sound that goes on, and for how many windows. */
  #sound: { code: number | undefined; windows: number } = { code: undefined, windows: 0 };
  /** The word that ended last, and when: a gap in its sound does not make it two. */
  #last = { code: -1, endMs: -Infinity };
  /** Words since the last final. */
  #words: string[] = [];

  constructor(recogniser: StoryRecogniser, onEnd: () => void) {
    this.#recogniser = recogniser;
    this.#onEnd = onEnd;
  }

  write(pcm: Int16Array): void {
    const samples = new Int16Array(this.#rest.length + pcm.length);
    samples.set(this.#rest);
    samples.set(pcm, this.#rest.length);
    let from = 0;
    for (; from + WINDOW_SAMPLES <= samples.length; from += WINDOW_SAMPLES) {
      this.#window(samples.subarray(from, from + WINDOW_SAMPLES));
    }
    this.#rest = samples.slice(from);
  }

  flush(): void {
    this.#endWord();
    this.#later(this.#recogniser.finalAfterMs, () => {
      this.#final();
      this.#events.push({ type: 'flushed' });
    });
  }

  fail(): void {
    const { name } = this.#recogniser;
    const error = new ProviderError('connection_lost', 'the connection broke', { provider: name });
    this.#events.push({ type: 'error', error });
    this.close();
  }

  close(): void {
    this.#events.end();
    this.#onEnd();
  }

  [Symbol.asyncIterator](): AsyncIterator<SpeechToTextEvent, undefined> {
    return this.#events[Symbol.asyncIterator]();
  }

  #window(samples: Int16Array): void {
    this.#heardMs += WINDOW_MS;
    const loud = samples.some((sample) => Math.abs(sample) > 200);
    const code = loud ? codeOf(samples, RATE_HZ) : undefined;
    const { perUtterance, endsTurnAfterMs } = this.#recogniser;
    if (code !== this.#sound.code) this.#endWord(code);
    this.#sound.windows++;
    const silenceMs = code === undefined ? this.#sound.windows * WINDOW_MS : 0;
    const justReached = silenceMs >= endsTurnAfterMs && silenceMs - WINDOW_MS < endsTurnAfterMs;
    if (!justReached || perUtterance || this.#words.length === 0) return;
    this.#final();
    this.#events.push({ type: 'turn', event: 'end' });
  }

  #endWord(next?: number): void {
    const { code, windows } = this.#sound;
    this.#sound = { code: next, windows: 0 };
    if (code === undefined || windows < WORD_WINDOWS || this.#recogniser.deaf) return;
    const again = code === this.#last.code && this.#heardMs - this.#last.endMs < GAP_MS;
    this.#last = { code, endMs: this.#heardMs };
    if (again) return;
    const { sounds, partialAfterMs, perUtterance } = this.#recogniser;
    const word = sounds.word(code)?.word;
    if (word === undefined) return;
    this.#words.push(word);
    const words = this.#words;
    const count = words.length;
    if (perUtterance) return;
    // What has become final meanwhile is partial no more.
    this.#later(partialAfterMs, () => {
      if (words === this.#words) this.#events.push({ type: 'partial', text: words.slice(0, count).join(' ') });
    });
  }

  #final(): void {
    const text = this.#words.join(' ');
    this.#words = [];
    if (text) this.#events.push({ type: 'final', text, endMs: this.#heardMs });
  }

  #later(ms: number, run: () => void): void {
    if (ms < Infinity) this.#recogniser.after(ms, run);
  }
}
