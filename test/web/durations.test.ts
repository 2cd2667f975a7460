import { expect } from 'chai';
import { duration, moment } from '../../web/src/durations.ts';

describe('durations in words', () => {
  it('goes from milliseconds to minutes', () => {
    expect([0, 61.4, 999, 1000, 2149, 59_900, 65_000].map(duration)).to.deep.equal([
      '0 ms',
      '61 ms',
      '999 ms',
      '1.0 s',
      '2.1 s',
      '59.9 s',
      '1 min 5 s',
    ]);
  });

  it('tells a moment of the call', () => {
    expect([-5, 0, 4999, 65_000, 3_600_000].map(moment)).to.deep.equal(['0:00', '0:00', '0:04', '1:05', '60:00']);
  });
});
