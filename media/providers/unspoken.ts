/** Which words of a reply have been spoken, where its voice dies in the middle. Pure. */
import type { SpokenAudio } from './provider.ts';

/** How long a character takes to say where no word times tell: 15 characters a second, an even pace of English. */
const MS_PER_CHARACTER = 65;

export type Unspoken = {
  /** Which clause comes next, counted from 0; all before it are spoken. */
  clause: number;
  /** What is left of that clause; all of it where it had not begun. */
  text: string;
  begun: boolean;
  /** Nothing but the length of the audio told how far it was. */
  estimated: boolean;
};

export class SpokenTracker {
  /** Clauses handed to the voice, in order. */
  readonly #clauses: string[] = [];
  /** The clause that is being spoken; −1 before the first. */
  #current = -1;
  #clauseMs = 0;
  /** Ends of the words of this clause, from its start. */
  #wordEndsMs: number[] = [];

  handed(clause: string): void {
    this.#clauses.push(clause);
  }

  spoken({ pcm, text, words = [] }: SpokenAudio): void {
    if (text !== '') this.#begin(text);
    for (const { endMs } of words) this.#wordEndsMs.push(this.#clauseMs + endMs);
    this.#clauseMs += (1000 * pcm.samples.length) / pcm.sampleRateHz;
  }

  unspoken(): Unspoken {
    const clause = this.#clauses[this.#current];
    if (clause === undefined) return { clause: 0, text: this.#clauses[0] ?? '', begun: false, estimated: false };
    const words = clause.split(/\s+/).filter(Boolean);
    const estimated = this.#wordEndsMs.length === 0;
    const spoken = estimated ? wordsWithin(words, this.#clauseMs) : this.#wordsEnded();
    const text = words.slice(spoken).join(' ');
    if (text) return { clause: this.#current, text, begun: true, estimated };
    return { clause: this.#current + 1, text: this.#clauses[this.#current + 1] ?? '', begun: false, estimated };
  }

  /** Voices leave out what has nothing to pronounce. */
  #begin(text: string): void {
    const found = this.#clauses.indexOf(text, this.#current + 1);
    this.#current = found < 0 ? this.#current + 1 : found;
    this.#clauseMs = 0;
    this.#wordEndsMs = [];
  }

  /** A word whose end is not there is said again. */
  #wordsEnded(): number {
    // A rounding of the vendor's must not bring a word back.
    const tolerance = 5;
    return this.#wordEndsMs.filter((endMs) => endMs <= this.#clauseMs + tolerance).length;
  }
}

function wordsWithin(words: readonly string[], ms: number): number {
  let characters = 0;
  const first = words.findIndex((word) => (characters += word.length + 1) * MS_PER_CHARACTER > ms);
  return first < 0 ? words.length : first;
}
