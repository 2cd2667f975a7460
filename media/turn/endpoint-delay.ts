/** How long a silence has to be for the turn to be over, by what was said before it. Pure. */
import type { EndpointingOptions } from '../agent/agent.ts';
import type { DecidingWords } from '../languages/language.ts';
import { languageOf } from '../languages/languages.ts';
import { wordsOf } from './words.ts';

/** Digits of a telephone or account number; from here on it may be complete. */
const NUMBER_DIGITS = 10;
/** Who reads a number out, or spells, pauses for as long. Larger: short numbers are answered late. */
const READING_MS = 1_600;

export type TurnEndReason =
  /** The vendor's own detector of turns says so. */
  | 'vendor'
  /** The words make a sentence, or a question. */
  | 'sentence'
  | 'pause'
  /** The sentence goes on. */
  | 'unfinished'
  /** Digits or letters are being read out. */
  | 'reading'
  /** The recogniser has not told all of it. */
  | 'unsettled';

/**
 * @param ordinaryMs the silence that ends a turn of which nothing else is known
 * @param language a BCP 47 tag
 */
export function endpointDelay(
  text: string,
  { minimumDelayMs, maximumDelayMs }: EndpointingOptions,
  ordinaryMs: number,
  language?: string,
): { delayMs: number; reason: TurnEndReason } {
  const clamp = (ms: number) => Math.min(Math.max(ms, minimumDelayMs), maximumDelayMs);
  const known = languageOf(language).words;
  const words = wordsOf(text);
  if (isReading(words, text, known)) return { delayMs: clamp(READING_MS), reason: 'reading' };
  if (/[.!?…]["'”’)]*\s*$/.test(text) && !/\.\.\.\s*$|…\s*$/.test(text)) {
    return { delayMs: clamp(minimumDelayMs), reason: 'sentence' };
  }
  if (/[,;:–—-]\s*$/.test(text) || (words.length > 1 && known.openEnds.has(words.at(-1)!))) {
    return { delayMs: maximumDelayMs, reason: 'unfinished' };
  }
  return { delayMs: clamp(ordinaryMs), reason: 'pause' };
}

/** Digits or letters stand at the end, and a whole number is not there yet. */
function isReading(words: readonly string[], text: string, known: DecidingWords): boolean {
  let digits = 0;
  let letters = 0;
  for (const word of words.toReversed()) {
    if (/^\d+$/.test(word)) digits += word.length;
    else if (known.digits.has(word)) digits++;
    else if (/^\p{L}$/u.test(word)) letters++;
    else break;
  }
  // One letter alone begins a word that is spelled, unless it is a word itself.
  if (letters >= 2 || (letters === 1 && !known.letters.has(words.at(-1)!) && !/[.!?]\s*$/.test(text))) return true;
  return digits >= 2 && digits < NUMBER_DIGITS;
}

/** Pauses that are kept; more: it takes longer to follow a speaker who changes. */
const KEPT = 12;
/** With fewer nothing is known of the speaker. */
const ENOUGH = 3;
/** Breaks between words are shorter than this, and no pauses. */
const SHORTEST_MS = 120;

/** Learns how long a speaker pauses without having ended. */
export class SpeakersPauses {
  readonly #options: EndpointingOptions;
  #pausesMs: number[] = [];

  constructor(options: EndpointingOptions) {
    this.#options = options;
  }

  /** A silence after which the speaker went on with the same turn. */
  note(pauseMs: number): void {
    if (pauseMs < SHORTEST_MS) return;
    this.#pausesMs = [...this.#pausesMs, pauseMs].slice(-KEPT);
  }

  /** The silence that ends a turn: a fifth more than nearly all pauses of this speaker, within the agent's bounds. */
  get ordinaryMs(): number {
    const { speechEndMs, minimumDelayMs, maximumDelayMs } = this.#options;
    if (this.#pausesMs.length < ENOUGH) return Math.min(Math.max(speechEndMs, minimumDelayMs), maximumDelayMs);
    const sorted = this.#pausesMs.toSorted((left, right) => left - right);
    const long = sorted[Math.floor((sorted.length - 1) * 0.9)]!;
    return Math.round(Math.min(Math.max(long * 1.2, minimumDelayMs), maximumDelayMs));
  }
}
