/** Hears what is said as the words that it was given, each when its share of the speech has been heard. */
import type { Listener } from '../../test/support/vendors/spoken-words.ts';
import type { Segment } from './utterances.ts';

const PIECE_MS = 20;
const PIECE_BYTES = PIECE_MS * 32;
/** Real speech is louder than this at its peaks, and what a codec makes of silence is not. */
const LOUD_PEAK = 600;
/** Silence after which words are final: what this recogniser is asked for. */
const FINAL_AFTER_MS = 25;
/** A silence is told of again this often. */
const SILENCE_MS = 100;

export class SegmentListener implements Listener {
  readonly #segments: Segment[];
  #bytes = Buffer.alloc(0);
  #segment: Segment | undefined;
  #heardMs = 0;
  #told = 0;
  #quietMs = 0;

  /** @param segments taken from the front as they are said */
  constructor(segments: Segment[]) {
    this.#segments = segments;
  }

  hear(bytes: Buffer): string[] {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const words: string[] = [];
    for (; this.#bytes.length >= PIECE_BYTES; this.#bytes = this.#bytes.subarray(PIECE_BYTES)) {
      words.push(...this.#piece(this.#bytes.subarray(0, PIECE_BYTES)));
    }
    return words;
  }

  /** A word is known when it has been said. */
  rest(): string[] {
    return [];
  }

  #piece(bytes: Buffer): string[] {
    const loud = isLoud(bytes);
    if (!this.#segment && loud) {
      this.#segment = this.#segments.shift();
      this.#heardMs = this.#told = this.#quietMs = 0;
    }
    if (this.#segment) return this.#speech(this.#segment, loud);
    this.#quietMs += PIECE_MS;
    return this.#quietMs % SILENCE_MS === 0 ? [''] : [];
  }

  #speech({ words, speechMs }: Segment, loud: boolean): string[] {
    this.#heardMs += PIECE_MS;
    if (this.#heardMs < speechMs) {
      const due = Math.floor((words.length * this.#heardMs) / speechMs);
      const told = words.slice(this.#told, due);
      this.#told = Math.max(this.#told, due);
      return told;
    }
    const left = words.slice(this.#told);
    this.#told = words.length;
    this.#quietMs = loud ? 0 : this.#quietMs + PIECE_MS;
    if (this.#quietMs < FINAL_AFTER_MS) return left;
    this.#segment = undefined;
    this.#quietMs = 0;
    return [...left, ''];
  }
}

function isLoud(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += 2) if (Math.abs(bytes.readInt16LE(at)) >= LOUD_PEAK) return true;
  return false;
}
