/**
 * Pieces of a speech, the clauses that they make up, and how much of the words of a clause was heard at a position.
 * Positions are samples from the start of the speech. Pure.
 */
import { withoutSounds } from '../conversation/owed.ts';
import type { WordTime } from '../providers/provider.ts';

/** A frame that lies in audio which recurs: which one, and where in it. */
export type ClipFrame = { key: string; samples: Int16Array; index: number };

export type Segment = {
  start: number;
  samples: Int16Array;
  /** Of the clause that begins with it; '' for the pieces after its first. */
  text: string;
  words: readonly WordTime[] | undefined;
  cacheKey: string | undefined;
};

export type Clause = {
  text: string;
  start: number;
  end: number;
  pieces: Segment[];
  /** Where words are, as far as the voice has told. */
  words: { word: string; start: number; end: number }[];
  /** No more of it will come. */
  complete: boolean;
};

/** Quick speech. Of a clause that is still coming, the rest is taken to last as long as its letters do. */
const LETTER_MS = 45;

/** @param ended nothing more will come */
export function clausesOf(segments: readonly Segment[], sampleRateHz: number, ended: boolean): Clause[] {
  const clauses: Clause[] = [];
  for (const piece of segments) {
    const { start, samples, text, words = [], cacheKey } = piece;
    const before = clauses.at(-1);
    if (before && text !== '') before.complete = true;
    // What recurs comes whole.
    const fresh = { text, start, end: start, pieces: [], words: [], complete: cacheKey !== undefined };
    const clause: Clause = before && text === '' ? before : fresh;
    if (clause !== before) clauses.push(clause);
    clause.pieces.push(piece);
    clause.end = Math.max(clause.end, start + samples.length);
    const position = (ms: number) => start + (ms * sampleRateHz) / 1000;
    for (const { word, startMs, endMs } of words) {
      clause.words.push({ word, start: position(startMs), end: position(endMs) });
    }
  }
  const last = clauses.at(-1);
  if (last && ended) last.complete = true;
  return clauses;
}

/** By the times of its words where there are, else by the share of its audio; a sound that is described, with its start. */
export function heardOf(clause: Clause, position: number, sampleRateHz: number): string {
  const { text, start, end, words, complete } = clause;
  if (position <= start) return '';
  if ((complete && position >= end) || !withoutSounds(text)) return text;
  const written = text.split(/\s+/).filter(Boolean);
  if (words.length > 0) {
    const heard = words.filter((word) => word.end <= position);
    // Voices tell what they say, which may be other words than those that were written: numbers, for one.
    return (written.length === words.length ? written.slice(0, heard.length) : heard.map(({ word }) => word)).join(' ');
  }
  const expected = complete ? 0 : (text.length * LETTER_MS * sampleRateHz) / 1000;
  const share = (position - start) / Math.max(end - start, expected);
  return written.slice(0, Math.floor(written.length * Math.min(1, share))).join(' ');
}

/** Whether that is known, and no share. */
export function isExactAt({ text, start, end, words, complete }: Clause, position: number): boolean {
  return position <= start || (complete && position >= end) || words.length > 0 || !withoutSounds(text);
}
