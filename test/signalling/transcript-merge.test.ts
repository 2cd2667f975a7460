import { expect } from 'chai';
import * as fc from 'fast-check';
import { lineKey, mergeTranscripts } from '../../signalling/transcript-merge.ts';
import { line } from '../support/session-hand-over-contract.ts';

const lines = (text: string) => text.split('').map((turn) => line(turn, 'user', turn));
const merged = (stored: string, owners: string) =>
  mergeTranscripts(lines(stored), lines(owners))
    .map(({ text }) => text)
    .join('');

describe('mergeTranscripts', () => {
  it('adds what the owner said since', () => {
    expect(merged('', 'abc')).to.equal('abc');
    expect(merged('ab', 'abcd')).to.equal('abcd');
  });

  it('keeps what only the store has behind what it follows there', () => {
    expect(merged('xayz', 'ab')).to.equal('xayzb');
    expect(merged('abc', '')).to.equal('abc');
  });

  it("takes the owner's order, and its words, where both have a line", () => {
    expect(merged('ba', 'ab')).to.equal('ab');
    expect(mergeTranscripts([line('a', 'user', 'old')], [line('a', 'user', 'new')])).to.have.nested.property(
      '[0].text',
      'new',
    );
  });

  it('has every line of both once, whatever they are, and changes nothing when done again', () => {
    const some = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')).map((turns) => turns.join(''));
    fc.assert(
      fc.property(some, some, (stored, owners) => {
        const both = mergeTranscripts(lines(stored), lines(owners));
        const keys = both.map(lineKey);
        expect(new Set(keys).size).to.equal(keys.length);
        expect(new Set(keys)).to.deep.equal(new Set(lines(stored + owners).map(lineKey)));
        expect(mergeTranscripts(both, lines(owners))).to.deep.equal(both);
      }),
    );
  });
});
