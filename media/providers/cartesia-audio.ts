/**
 * Puts Cartesia's messages together: which audio belongs to which clause, and where in it the words are. Pure.
 *
 * Times of words count from the start of the context. That they do so across flushes is not written anywhere, so a time
 * that lies far before its clause is taken to count from the clause's start.
 */
import type { SpokenAudio, WordTime } from './provider.ts';
import { numberOf, textOf } from './vendor-fields.ts';

/** Words may begin this much before the audio that their clause was counted to begin with. */
const EARLY_WORD_MS = 500;

export class CartesiaAudio {
  readonly #sampleRateHz: number;
  /** Clauses whose audio has not begun. */
  readonly #clauses: string[] = [];
  /** Words told of, whose audio comes next or has gone by; times from the start of the reply. */
  #words: WordTime[] = [];
  /** Audio so far, from the start of the reply. */
  #samples = 0;
  #contextStartMs = 0;
  #clauseStartMs = 0;
  #inClause = false;
  /** The first byte of a sample whose second comes with the next chunk. */
  #oddByte: Buffer | undefined;

  constructor(sampleRateHz: number) {
    this.#sampleRateHz = sampleRateHz;
  }

  /** The clause whose audio comes after that of those before. */
  expect(clause: string): void {
    this.#clauses.push(clause);
  }

  beginContext(): void {
    this.#contextStartMs = this.#positionMs;
    this.#clauseStartMs = this.#positionMs;
  }

  /** The pieces that a message of the context adds. */
  take(message: Record<string, unknown>): SpokenAudio[] {
    switch (message['type']) {
      case 'chunk':
        return typeof message['data'] === 'string' ? this.#chunk(message['data']) : [];
      case 'timestamps':
        this.#noteWords(message['word_timestamps']);
        return [];
      case 'flush_done':
        return this.#endClause();
      case 'done':
        return this.rest();
      default:
        return [];
    }
  }

  get #positionMs(): number {
    return (this.#samples / this.#sampleRateHz) * 1000;
  }

  #chunk(data: string): SpokenAudio[] {
    const bytes = this.#oddByte
      ? Buffer.concat([this.#oddByte, Buffer.from(data, 'base64')])
      : Buffer.from(data, 'base64');
    const even = bytes.length - (bytes.length % 2);
    this.#oddByte = even < bytes.length ? bytes.subarray(even) : undefined;
    if (even === 0) return [];
    // Copied to a buffer of its own: a view on the pool need not be aligned.
    const samples = new Int16Array(even / 2);
    new Uint8Array(samples.buffer).set(bytes.subarray(0, even));
    const piece = this.#piece(samples);
    this.#samples += samples.length;
    return [piece];
  }

  #piece(samples: Int16Array): SpokenAudio {
    const fromMs = this.#positionMs;
    const words = this.#words.map(({ word, startMs, endMs }) => ({
      word,
      startMs: startMs - fromMs,
      endMs: endMs - fromMs,
    }));
    this.#words = [];
    const text = this.#inClause ? '' : (this.#clauses.shift() ?? '');
    this.#inClause = true;
    return {
      pcm: { samples, sampleRateHz: this.#sampleRateHz },
      text,
      ...(words.length > 0 && { words }),
    };
  }

  #endClause(): SpokenAudio[] {
    // A clause without audio is over too.
    if (!this.#inClause) this.#clauses.shift();
    const late = this.rest();
    this.#inClause = false;
    this.#clauseStartMs = this.#positionMs;
    return late;
  }

  /** The words whose audio has gone by, also where no more will come. */
  rest(): SpokenAudio[] {
    return this.#words.length > 0 && this.#inClause ? [this.#piece(new Int16Array(0))] : [];
  }

  #noteWords(timestamps: unknown): void {
    const { words = [], start = [], end = [] } = (timestamps ?? {}) as Partial<CartesiaWords>;
    for (const [index, word] of words.entries()) {
      const startMs = numberOf(start[index] ?? 0) * 1000 + this.#contextStartMs;
      const endMs = numberOf(end[index] ?? 0) * 1000 + this.#contextStartMs;
      const shift = startMs < this.#clauseStartMs - EARLY_WORD_MS ? this.#clauseStartMs - this.#contextStartMs : 0;
      this.#words.push({ word: textOf(word), startMs: startMs + shift, endMs: endMs + shift });
    }
  }
}

/** Seconds from the start of the context. */
type CartesiaWords = { words: string[]; start: number[]; end: number[] };
