import { expect } from 'chai';
import { exampleEvents, exampleLoudness, exampleMs } from '../../web/src/example-script.ts';

describe('the example call', () => {
  it('is told in the order of time, and is over before it begins anew', () => {
    const times = exampleEvents.map(({ atMs }) => atMs);
    expect(times).to.deep.equal(times.toSorted((left, right) => left - right));
    expect(times.at(-1)).to.be.below(exampleMs - 4000);
  });

  it('is heard where it says that somebody speaks, and silent otherwise', () => {
    expect(exampleLoudness('agent', 1000)).to.be.within(0.2, 1);
    expect(exampleLoudness('user', 1000)).to.equal(0);
    expect(exampleLoudness('user', 4000)).to.be.within(0.2, 1);
    expect(exampleLoudness('agent', 7600), 'lowered').to.be.below(exampleLoudness('agent', 6000));
    expect(exampleLoudness('agent', 20_000)).to.equal(0);
  });
});
