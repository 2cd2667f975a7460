import { expect } from 'chai';
import { failoverFigures, failoverRows, safetyRows, type FailoverTrial } from '../../bench/failover-figures.ts';

const trial: FailoverTrial = {
  noticedMs: 50,
  helloMs: 100,
  joinedMs: 200,
  mediaMs: 250,
  voiceMs: 300,
  bothMs: 430,
  gapMs: NaN,
  claimed: true,
  linesTold: 3,
  linesKept: 3,
  twoHeard: false,
};

describe('figures of pods that fail', () => {
  it('sum up what all callers went through', () => {
    const worse = { ...trial, bothMs: 900, linesKept: 2, twoHeard: true };
    const figures = failoverFigures('kill', [trial, worse], ['gave up']);
    expect(figures.both).to.include({ p50: 430, p95: 900, max: 900 });
    expect(figures).to.include({ trials: 2, claimed: 2, linesTold: 6, linesKept: 5, twoHeard: 1 });
    expect(safetyRows([figures])[1]).to.deep.equal(['kill', 3, 1, 2, 6, 5, 1]);
    expect(failoverRows([figures]).at(-1)).to.deep.equal(['kill: both heard again', 430, 900, 900, 1200]);
  });

  it('leave out what cannot be told: a connection that stayed has no other one', () => {
    const figures = failoverFigures('partition', [trial, { ...trial, helloMs: NaN }], []);
    expect(figures.hello).to.include({ count: 1, max: 100 });
  });

  it('tell of a call that goes on where it is how long its voice was away', () => {
    const figures = failoverFigures('redis-cut', [{ ...trial, gapMs: 40, claimed: false }], []);
    expect(failoverRows([figures])).to.have.lengthOf(2);
    expect(failoverRows([figures])[1]).to.include(40);
    expect(figures.claimed).to.equal(0);
  });
});
