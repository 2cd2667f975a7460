/**
 * Speech for the local servers of recognisers: each word is 100 ms of a level of its own, so that what a server hears is
 * what was written to it, no more and no less. The level survives a change of the sample rate.
 */
export const WORD_MS = 100;
/** Loud enough to be no silence. */
const FIRST_LEVEL = 1_000;
const LEVEL_STEP = 100;
const vocabulary: string[] = [];

/** Samples at 16 kHz. */
export function speech(text: string): Int16Array {
  const words = text.split(' ');
  const samples = new Int16Array(words.length * 1_600);
  for (const [index, word] of words.entries()) {
    if (!vocabulary.includes(word)) vocabulary.push(word);
    samples.fill(FIRST_LEVEL + vocabulary.indexOf(word) * LEVEL_STEP, index * 1_600, (index + 1) * 1_600);
  }
  return samples;
}

export function silence(ms: number): Int16Array {
  return new Int16Array(ms * 16);
}

/** Finds the words again in audio that comes in chunks of any size. */
export class WordListener {
  readonly #wordBytes: number;
  #bytes = Buffer.alloc(0);

  constructor(sampleRateHz: number) {
    this.#wordBytes = (sampleRateHz / 1000) * WORD_MS * 2;
  }

  /** The words, `''` for 100 ms of silence, that are complete with these bytes. */
  hear(bytes: Buffer): string[] {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const words: string[] = [];
    for (; this.#bytes.length >= this.#wordBytes; this.#bytes = this.#bytes.subarray(this.#wordBytes)) {
      const middle = this.#bytes.readInt16LE(2 * Math.floor(this.#wordBytes / 4));
      words.push(vocabulary[Math.round((middle - FIRST_LEVEL) / LEVEL_STEP)] ?? '');
    }
    return words;
  }

  /** What is left counts where most of a word is there. */
  rest(): string[] {
    const padding = Buffer.alloc(this.#wordBytes - this.#bytes.length);
    const words = this.#bytes.length > this.#wordBytes / 2 ? this.hear(padding) : [];
    this.#bytes = Buffer.alloc(0);
    return words;
  }
}

/** What hears words in audio. */
export type Listener = Pick<WordListener, 'hear' | 'rest'>;

/** Real speech is louder than this at its peaks, and what a codec makes of silence is not. */
const LOUD_PEAK = 600;
const PAUSE_PIECES = 3;

/**
 * Hears real speech as the sentences that it was given: one for each stretch between pauses of 300 ms, a word for each
 * 200 ms, what is left when the speech stops.
 */
export class ScriptListener implements Listener {
  readonly #sentences: string[];
  readonly #pieceBytes: number;
  #bytes = Buffer.alloc(0);
  #left: string[] | undefined;
  #loud = 0;
  #quiet = 0;

  /** @param sentences taken from the front as they are said */
  constructor(sentences: string[], sampleRateHz = 16_000) {
    this.#sentences = sentences;
    this.#pieceBytes = (sampleRateHz / 1000) * WORD_MS * 2;
  }

  hear(bytes: Buffer): string[] {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const words: string[] = [];
    for (; this.#bytes.length >= this.#pieceBytes; this.#bytes = this.#bytes.subarray(this.#pieceBytes)) {
      words.push(...this.#piece(this.#bytes.subarray(0, this.#pieceBytes)));
    }
    return words;
  }

  rest(): string[] {
    const words = this.#left ?? [];
    if (this.#left) this.#left = [];
    return words;
  }

  #piece(bytes: Buffer): string[] {
    let peak = 0;
    for (let at = 0; at < bytes.length; at += 2) peak = Math.max(peak, Math.abs(bytes.readInt16LE(at)));
    if (peak >= LOUD_PEAK) {
      this.#quiet = 0;
      this.#left ??= (this.#sentences.shift() ?? '').split(' ').filter(Boolean);
      return this.#loud++ % 2 === 0 ? this.#left.splice(0, 1) : [];
    }
    this.#quiet++;
    if (this.#left === undefined) return [''];
    if (this.#quiet < PAUSE_PIECES) return this.#quiet === 1 ? this.#left.splice(0) : [];
    this.#left = undefined;
    this.#loud = 0;
    return [''];
  }
}
