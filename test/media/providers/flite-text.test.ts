import { expect } from 'chai';
import * as fc from 'fast-check';
import { pronounceablePieces } from '../../../media/providers/flite-text.ts';

describe('pronounceablePieces', () => {
  const READINGS: readonly [string, string][] = [
    ['Plain text, as it is.', 'Plain text, as it is.'],
    ['Café Müller, naïve Çédille', 'Cafe Muller, naive Cedille'],
    ['Straße, Łódź, Ærø', 'Strasse, Lodz, Aero'],
    ['“It’s” — he said…', '"It\'s" , he said...'],
    ['5 € or £3 at 20°', '5 euros or 3 pounds at 20 degrees'],
    ['ﬁne ² ½', 'fine 2 1 2'],
    ['Hi 👋🏽 there 日本', 'Hi there'],
    ['snake_case', 'snake case'],
    ['tabs\tand\r\nlines\0and\x1b[31mcolours', 'tabs and lines and [31mcolours'],
    ['-o /etc/passwd', '-o /etc/passwd'],
  ];
  for (const [text, reading] of READINGS) {
    it(`reads ${JSON.stringify(text)} as ${JSON.stringify(reading)}`, () => {
      expect(pronounceablePieces(text).map((piece) => piece.replace(/\s+/g, ' '))).to.deep.equal([reading]);
    });
  }

  it('has nothing to read where there is no letter or digit', () => {
    for (const text of ['', '   ', '...', '—', '👋', '日本', '\0', '"\'"'])
      expect(pronounceablePieces(text)).to.deep.equal([]);
  });

  it('breaks words that nobody could pronounce, and texts that would keep the thread busy', () => {
    const pieces = pronounceablePieces(`${'x'.repeat(1000)} ${'word '.repeat(100)}`);
    for (const piece of pieces) {
      expect(piece.length).to.be.at.most(160);
      for (const word of piece.split(' ')) expect(word.length).to.be.at.most(45);
    }
    expect(pieces.join(' ').replace(/[^x]/g, '')).to.have.length(1000);
  });

  it('gives printable ASCII and no more, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        for (const piece of pronounceablePieces(text))
          expect(piece).to.match(/^[\x21-\x7e]([\x20-\x7e]{0,158}[\x21-\x7e])?$/);
      }),
    );
  });
});
