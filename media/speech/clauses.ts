/**
 * Cuts text that arrives piece by piece into clauses to be spoken, so that the voice can begin before the text is
 * complete. How the text was cut into pieces on its way makes no difference. Pure.
 */
export type ClauseSplitterOptions = {
  /** The first clause ends at a comma from this length on. Larger: a rounder first clause, later heard. Default 4. */
  firstMinimumCharacters?: number;
  /** Later ones end at a comma from this length on; sentences always end theirs. Larger: smoother, later. Default 24. */
  minimumCharacters?: number;
  /** A clause without punctuation is cut at a space before it gets longer. Default 160, about 10 s. */
  maximumCharacters?: number;
};

/** Full stops that end no sentence: titles, and Latin that goes on; of all languages, for none has one that the other ends with. */
const ABBREVIATIONS = new Set(
  (
    'mr mrs ms dr prof st jr sr vs e.g i.e cf approx no vol fig dept ave mt gen col sgt capt lt rev hon gov sen rep ' +
    'jan feb mar apr jun jul aug sep sept oct nov dec z.b d.h u.a bzw ca nr str hr fr evtl ggf inkl tel'
  ).split(' '),
);
/** "z. B.", "d. h.", "u. a.", "i. d. R.": the first of two, and the last one. */
const INITIAL = /^[dhiosuvz]$|(?<=^|\s)[uv]\. ?a$/u;
/** "am 3. Mai", "am 24.12. um": after these German words, and after a comma, a number with a full stop is a day. */
const DAY = /(?:(?<!\p{L})(?:am|vom|zum|beim|im|der|die|das|dem|den|bis|ab|seit)|,) \d{1,2}(?:\. ?\d{1,2})?$/iu;
const SENTENCE_END = '.!?…';
const PART_END = ',;:–—';
const CLOSING = '"\'”’)]}';

export class ClauseSplitter {
  readonly #firstMinimum: number;
  readonly #minimum: number;
  readonly #maximum: number;
  #first = true;
  #text = '';
  /** Up to here nothing ends the clause. */
  #searched = 0;

  constructor(options: ClauseSplitterOptions = {}) {
    this.#firstMinimum = options.firstMinimumCharacters ?? 4;
    this.#minimum = options.minimumCharacters ?? 24;
    this.#maximum = options.maximumCharacters ?? 160;
  }

  /** Adds text; returns the clauses that are complete with it, trimmed, in order. */
  push(text: string): string[] {
    this.#text += text;
    const clauses: string[] = [];
    for (let end = this.#nextEnd(); end !== undefined; end = this.#nextEnd()) clauses.push(...this.#take(end));
    return clauses;
  }

  /** The text has ended: what is left of it. The next `push` begins another one. */
  flush(): string[] {
    const rest = this.#take(this.#text.length);
    this.#first = true;
    return rest;
  }

  /** Where the clause that the text begins with ends, as far as that can be told already. */
  #nextEnd(): number | undefined {
    if (this.#searched === 0) this.#text = this.#text.trimStart();
    const limit = Math.min(this.#text.length, this.#maximum + 1);
    for (; this.#searched < limit; this.#searched++) {
      if (this.#endsAt(this.#searched)) return this.#searched;
    }
    return this.#text.length > this.#maximum ? this.#lastResort() : undefined;
  }

  /** Whether the space at `index` separates two clauses. */
  #endsAt(index: number): boolean {
    const space = this.#text[index]!;
    if (space === '\n') return true;
    if (!/\s/.test(space)) return false;
    let last = index - 1;
    while (last > 0 && CLOSING.includes(this.#text[last]!)) last--;
    const mark = this.#text[last]!;
    if (SENTENCE_END.includes(mark))
      return mark !== '.' || last < index - 1 || !isAbbreviation(this.#text.slice(0, last));
    return PART_END.includes(mark) && index >= (this.#first ? this.#firstMinimum : this.#minimum);
  }

  /** The last space that keeps the clause within its maximum, or the maximum itself, between two code points. */
  #lastResort(): number {
    const space = this.#text.slice(0, this.#maximum + 1).search(/\s\S*$/);
    if (space > 0) return space;
    const high = this.#text.charCodeAt(this.#maximum - 1);
    return high >= 0xd800 && high < 0xdc00 && this.#maximum > 1 ? this.#maximum - 1 : this.#maximum;
  }

  #take(end: number): string[] {
    const clause = this.#text.slice(0, end).trim();
    this.#text = this.#text.slice(end);
    this.#searched = 0;
    if (!clause) return [];
    this.#first = false;
    return [clause];
  }
}

/** Whether the full stop after `text` belongs to its last word: "Dr", "e.g", an initial, or a number of a list ("1"). */
function isAbbreviation(text: string): boolean {
  const word = /[\p{L}\p{N}.]+$/u.exec(text)?.[0] ?? '';
  if (/^\p{Lu}$/u.test(word) && word !== 'I') return true;
  if (/^\d{1,2}$/.test(text) || DAY.test(text) || INITIAL.test(word) || INITIAL.test(text)) return true;
  return ABBREVIATIONS.has(word.toLowerCase());
}
