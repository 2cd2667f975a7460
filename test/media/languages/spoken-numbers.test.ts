import { expect } from 'chai';
import * as fc from 'fast-check';
import { spokenDuration, spokenNumber } from '../../../media/languages/spoken-numbers.ts';

describe('spokenNumber', () => {
  const WORDS: readonly [number, string][] = [
    [0, 'zero'],
    [7, 'seven'],
    [13, 'thirteen'],
    [20, 'twenty'],
    [21, 'twenty-one'],
    [100, 'one hundred'],
    [105, 'one hundred and five'],
    [550, 'five hundred and fifty'],
    [999, 'nine hundred and ninety-nine'],
    [1000, 'one thousand'],
    [1066, 'one thousand and sixty-six'],
    [2345, 'two thousand three hundred and forty-five'],
    [1_000_001, 'one million and one'],
    [999_000_000_000_000, 'nine hundred and ninety-nine trillion'],
    [-3, 'minus three'],
  ];
  for (const [value, words] of WORDS)
    it(`reads ${value} as "${words}"`, () => expect(spokenNumber(value)).to.equal(words));

  it('reads digits after the point one by one', () => {
    expect(spokenNumber(2.1, 1)).to.equal('two point one');
    expect(spokenNumber(6.02214, 4)).to.equal('six point zero two two one');
    expect(spokenNumber(-0.05, 2)).to.equal('minus zero point zero five');
  });

  it('reads no zeros at the end', () => {
    expect(spokenNumber(2, 3)).to.equal('two');
    expect(spokenNumber(2.5, 3)).to.equal('two point five');
  });

  it('rounds first, also across the next whole number', () => {
    expect(spokenNumber(0.96, 1)).to.equal('one');
    expect(spokenNumber(99.6)).to.equal('one hundred');
    expect(spokenNumber(-0.04, 1)).to.equal('zero');
  });

  it('refuses what it has no words for', () => {
    for (const value of [Number.NaN, Infinity, 1e15]) expect(() => spokenNumber(value)).to.throw(RangeError);
  });

  it('has different words for different numbers, of letters only', () => {
    const number = fc.integer({ min: 0, max: 999_999_999 });
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(spokenNumber(a)).to.match(/^[a-z]+([ -][a-z]+)*$/);
        expect(spokenNumber(a) === spokenNumber(b)).to.equal(a === b);
      }),
    );
  });
});

describe('spokenDuration', () => {
  it('reads seconds to a tenth', () => {
    expect(spokenDuration(2149, { unit: 'seconds' })).to.equal('two point one seconds');
    expect(spokenDuration(400, { unit: 'seconds' })).to.equal('zero point four seconds');
  });

  it('reads milliseconds whole', () => {
    expect(spokenDuration(550, { unit: 'milliseconds' })).to.equal('five hundred and fifty milliseconds');
    expect(spokenDuration(209.6, { unit: 'milliseconds' })).to.equal('two hundred and ten milliseconds');
  });

  it('knows the singular', () => {
    expect(spokenDuration(1000, { unit: 'seconds' })).to.equal('one second');
    expect(spokenDuration(1, { unit: 'milliseconds' })).to.equal('one millisecond');
    expect(spokenDuration(0, { unit: 'seconds' })).to.equal('zero seconds');
  });
});
