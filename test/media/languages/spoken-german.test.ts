import { expect } from 'chai';
import * as fc from 'fast-check';
import { germanHundreds, germanNumber, germanOrdinal } from '../../../media/languages/spoken-german.ts';

describe('germanNumber', () => {
  const WORDS: readonly [number, string][] = [
    [0, 'null'],
    [1, 'eins'],
    [16, 'sechzehn'],
    [17, 'siebzehn'],
    [21, 'einundzwanzig'],
    [30, 'dreißig'],
    [76, 'sechsundsiebzig'],
    [100, 'einhundert'],
    [101, 'einhunderteins'],
    [999, 'neunhundertneunundneunzig'],
    [1001, 'eintausendeins'],
    [21_345, 'einundzwanzigtausenddreihundertfünfundvierzig'],
    [101_000, 'einhunderteintausend'],
    [1_000_001, 'eine Million eins'],
    [2_500_000, 'zwei Millionen fünfhunderttausend'],
    [1_000_000_000, 'eine Milliarde'],
    [999_000_000_000_000, 'neunhundertneunundneunzig Billionen'],
    [-3, 'minus drei'],
  ];
  for (const [value, words] of WORDS)
    it(`reads ${value} as "${words}"`, () => expect(germanNumber(value)).to.equal(words));

  it('reads digits after the comma one by one, and no zeros at the end', () => {
    expect(germanNumber(3.14, 2)).to.equal('drei Komma eins vier');
    expect(germanNumber(2.5, 3)).to.equal('zwei Komma fünf');
    expect(germanNumber(-0.05, 2)).to.equal('minus null Komma null fünf');
    expect(germanNumber(-0.04, 1)).to.equal('null');
  });

  it('refuses what it has no words for', () => {
    for (const value of [Number.NaN, Infinity, 1e15]) expect(() => germanNumber(value)).to.throw(RangeError);
  });

  it('has different words for different numbers, of letters only', () => {
    const number = fc.integer({ min: 0, max: 999_999_999 });
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(germanNumber(a)).to.match(/^[a-zäöüßM]+( [a-zäöüßM]+)*$/);
        expect(germanNumber(a) === germanNumber(b)).to.equal(a === b);
      }),
    );
  });
});

it('reads hundreds of years as such, and ordinals up to their endings', () => {
  expect(germanHundreds(1984)).to.equal('neunzehnhundertvierundachtzig');
  expect(germanHundreds(1900)).to.equal('neunzehnhundert');
  const stems = [1, 2, 3, 7, 8, 19, 20, 31].map(germanOrdinal);
  const expected = ['erst', 'zweit', 'dritt', 'siebt', 'acht', 'neunzehnt', 'zwanzigst', 'einunddreißigst'];
  expect(stems).to.deep.equal(expected);
});
