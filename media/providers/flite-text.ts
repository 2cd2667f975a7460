/**
 * What flite can be given to read: printable ASCII without control characters, in pieces short enough that one never
 * keeps the thread busy for long. Pure.
 */

/** Characters synthesised in one go: about 0.1 s of prose, and 0.6 s of letters that are spelled, the worst there is. */
const PIECE_CHARACTERS = 160;
/** The longest English words have 45 letters; flite spells or drawls what is longer, and slows down. */
const WORD_CHARACTERS = 45;

/** What decomposition into letter and accent leaves as it is. */
const REPLACEMENTS: Readonly<Record<string, string>> = {
  '‘': "'",
  '’': "'",
  '“': '"',
  '”': '"',
  '–': ', ',
  '—': ', ',
  '…': '... ',
  '€': ' euros ',
  '£': ' pounds ',
  '¥': ' yen ',
  '°': ' degrees ',
  '×': ' times ',
  '÷': ' divided by ',
  ß: 'ss',
  æ: 'ae',
  Æ: 'Ae',
  œ: 'oe',
  Œ: 'Oe',
  ø: 'o',
  Ø: 'O',
  đ: 'd',
  Đ: 'D',
  ð: 'd',
  Ð: 'D',
  þ: 'th',
  Þ: 'Th',
  ł: 'l',
  Ł: 'L',
  ı: 'i',
};

/**
 * The pieces of a clause as flite should read them; none when nothing in it can be spoken. Accents go, a few symbols
 * become words, and what English has no sound for (other scripts, emoji, controls) becomes a space.
 */
export function pronounceablePieces(text: string): string[] {
  const ascii = text
    .replace(/([€£¥])\s?(\d[\d.,]*\d|\d)/gu, '$2$1')
    .replace(/[^\0-\x7f]/gu, (character) => REPLACEMENTS[character] ?? character)
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    // Underscores are read out one by one; in names they stand for spaces.
    .replace(/[^\x20-\x7e]|_/gu, ' ');
  const words = ascii.split(/\s+/).flatMap((word) => chunks(word, WORD_CHARACTERS));
  return lines(words).filter((piece) => /[a-z0-9]/i.test(piece));
}

function chunks(word: string, size: number): string[] {
  const parts: string[] = [];
  for (let from = 0; from < word.length; from += size) parts.push(word.slice(from, from + size));
  return parts;
}

function lines(words: readonly string[]): string[] {
  const pieces: string[] = [];
  let piece = '';
  for (const word of words) {
    if (piece && piece.length + 1 + word.length > PIECE_CHARACTERS) {
      pieces.push(piece);
      piece = '';
    }
    piece = piece ? `${piece} ${word}` : word;
  }
  if (piece) pieces.push(piece);
  return pieces;
}
