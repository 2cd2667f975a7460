/** What a model writes, on its way to a voice, and what a recogniser heard: any text, of any length. */
import * as fc from 'fast-check';
import { ClauseSplitter } from '../../../media/speech/clauses.ts';
import { pronounceablePieces } from '../../../media/providers/flite-text.ts';
import { speakable } from '../../../media/speech/speakable.ts';
import { hasJustAsked, isEcho, kindOfWords } from '../../../media/turn/words.ts';
import { asText, type FuzzTarget } from '../fuzz-target.ts';

const PARTS = [
  '```', '**', '[a](b', '[', '](', '<a', '>', 'https://', '# ', '\n', '  ', ' - ', '1,000', '12:30 pm', '$1.50', '+1 555',
  'e.g.', 'Dr.', '9th', '1999', '?', '"', '👍', '\u0301', '\ud800', 'ſ', 'İ', 'a', '.', ',', '\u2028', '_', '\\', '20 km',
  '999999999999999999', '1e9', '٣', 'stop', 'uh huh',
]; // prettier-ignore
/** More than a clause may have: the splitter has to see to that. */
const CLAUSE_CHARACTERS = 161;

export function openWords(): FuzzTarget {
  const text = fc.oneof(
    fc.array(fc.constantFrom(...PARTS), { maxLength: 60 }).map((parts) => parts.join('')),
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    fc.tuple(fc.constantFrom(...PARTS), fc.nat(3000)).map(([part, times]) => part.repeat(times)),
  );
  return {
    inputs: asText(text),
    words: PARTS,
    run: (input) => {
      const written = input.toString('utf8').slice(0, 20_000);
      const splitter = new ClauseSplitter();
      const clauses = [...splitter.push(written), ...splitter.flush()];
      let pieces = 0;
      for (const clause of clauses) {
        if (clause.length > CLAUSE_CHARACTERS) throw new Error(`a clause of ${clause.length} characters`);
        const piece = pronounceablePieces(speakable(clause));
        if (piece.some((each) => each.length > CLAUSE_CHARACTERS)) throw new Error('a piece that is too long');
        pieces += piece.length;
      }
      const heard = written.slice(0, 5_000);
      return [clauses.length, pieces, kindOfWords(heard), hasJustAsked(heard), isEcho(heard, heard)].join();
    },
  };
}
