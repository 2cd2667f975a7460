import { expect } from 'chai';
import { hearsAgent } from '../../client-sdk/src/hearing.ts';

describe('whether the agent is heard although the connection is lost', () => {
  const lostMs = 10_000;

  it('cannot be told as long as what is heard may have been on its way before', () => {
    expect(hearsAgent(10_000, lostMs, 10_100)).to.equal('unsure');
    expect(hearsAgent(10_449, lostMs, 10_500)).to.equal('unsure');
  });

  it('shows by packets that came later', () => {
    expect(hearsAgent(10_450, lostMs, 10_500)).to.equal('yes');
    expect(hearsAgent(39_900, lostMs, 40_000)).to.equal('yes');
  });

  it('shows by a silence that is longer than any pause of the server', () => {
    expect(hearsAgent(10_200, lostMs, 10_901)).to.equal('no');
    expect(hearsAgent(9_000, lostMs, 10_001)).to.equal('no');
  });

  it('is no longer said of a server that nobody reached for half a minute, and not at a first join', () => {
    expect(hearsAgent(40_000, lostMs, 40_001)).to.equal(undefined);
    expect(hearsAgent(10_000, undefined, 10_000)).to.equal(undefined);
    expect(hearsAgent(undefined, lostMs, 10_000)).to.equal(undefined);
  });
});
