import { expect } from 'chai';
import { OverloadWatch, type RecentLoad } from '../../media/overload.ts';

describe('OverloadWatch', () => {
  const idle: RecentLoad = { busy: 0.2, verdictP90Ms: 2, windowsSkipped: 0 };
  const tooMuch: Record<string, Partial<RecentLoad>> = {
    'the thread is busy all the time': { busy: 0.96 },
    'verdicts are late': { verdictP90Ms: 140 },
    'windows are passed over': { windowsSkipped: 1 },
  };

  function after(...beats: Partial<RecentLoad>[]): boolean {
    const watch = new OverloadWatch();
    for (const beat of beats) watch.note({ ...idle, ...beat });
    return watch.overloaded;
  }

  for (const [what, load] of Object.entries(tooMuch)) {
    it(`is overloaded when ${what} for three heartbeats`, () => {
      expect(after(load, load)).to.equal(false);
      expect(after(load, load, load)).to.equal(true);
    });
  }

  it('takes one bad moment for what it is', () => {
    const bad = { busy: 1 };
    expect(after(bad, bad, {}, bad, bad)).to.equal(false);
  });

  it('has room again only when it is well below the limits, for three heartbeats', () => {
    const bad = { busy: 1 };
    const overloaded = [bad, bad, bad];
    expect(after(...overloaded, { busy: 0.85 }, { busy: 0.85 }, { busy: 0.85 })).to.equal(true);
    expect(after(...overloaded, {}, {})).to.equal(true);
    expect(after(...overloaded, {}, {}, {})).to.equal(false);
  });
});
