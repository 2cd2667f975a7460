import { expect } from 'chai';
import { OverloadWatch, type RecentLoad } from '../../../media/workers/overload.ts';

describe('OverloadWatch', () => {
  const idle: RecentLoad = { busy: 0.2, verdictP90Ms: 2, windowsSkipped: 0, loopDelayP99Ms: 1, lateShare: 0 };
  const tooMuch: Record<string, Partial<RecentLoad>> = {
    'the thread is busy all the time': { busy: 0.96 },
    'verdicts are late': { verdictP90Ms: 140 },
    'windows are passed over': { windowsSkipped: 1 },
    'its event loop is late while it works half of the time': { busy: 0.6, loopDelayP99Ms: 22 },
    'its packets are late while it works half of the time': { busy: 0.6, lateShare: 0.01 },
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

  it('is not overloaded by others that keep it waiting: fewer calls would not mend that', () => {
    const kept = { busy: 0.3, loopDelayP99Ms: 60, lateShare: 0.2 };
    expect(after(kept, kept, kept, kept)).to.equal(false);
  });

  it('is not well again while it is late', () => {
    const bad = { busy: 1 };
    const late = { busy: 0.7, loopDelayP99Ms: 12 };
    expect(after(bad, bad, bad, late, late, late, late)).to.equal(true);
  });

  describe('room', () => {
    const recovered = () => {
      const watch = new OverloadWatch();
      for (const busy of [1, 1, 1, 0.2, 0.2, 0.2]) watch.note({ ...idle, busy });
      return watch;
    };
    /** How many calls it takes until the next heartbeat. */
    const taken = (watch: OverloadWatch, most = 1000): number => {
      let calls = 0;
      for (; calls < most && watch.hasRoom; calls++) watch.placed();
      return calls;
    };

    it('is there for as many as come, before there ever was too much', () => {
      expect(taken(new OverloadWatch())).to.equal(1000);
    });

    it('comes back one by one after an overload, then twice as many each time, while all is well', () => {
      const watch = recovered();
      const rounds = Array.from({ length: 6 }, () => {
        const calls = taken(watch);
        watch.note(idle);
        return calls;
      });
      expect(rounds).to.deep.equal([1, 2, 4, 8, 16, 32]);
      expect(taken(watch)).to.equal(1000);
    });

    it('grows no further than is asked for', () => {
      const watch = recovered();
      for (let beat = 0; beat < 10; beat++) watch.note(idle);
      expect(taken(watch)).to.equal(1);
    });

    it('is gone while it is no longer well', () => {
      const watch = recovered();
      watch.note({ ...idle, busy: 0.85 });
      expect(watch.hasRoom).to.equal(false);
      watch.note(idle);
      expect(taken(watch)).to.equal(1);
    });
  });
});
