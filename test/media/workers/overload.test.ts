import { expect } from 'chai';
import { OverloadWatch, type RecentLoad } from '../../../media/workers/overload.ts';

const BEAT_MS = 1000;

describe('OverloadWatch', () => {
  const idle: RecentLoad = {
    busy: 0.3,
    working: 0.28,
    verdictP99Ms: 3,
    windowsSkipped: 0,
    loopDelayP99Ms: 1,
    lateShare: 0,
  };
  const tooMuch: Record<string, Partial<RecentLoad>> = {
    'the thread is busy all the time': { busy: 0.96 },
    'verdicts are very late, whatever the reason': { verdictP99Ms: 240, working: 0.1 },
    'windows are passed over': { windowsSkipped: 1 },
    'its event loop is late': { loopDelayP99Ms: 22 },
    'its packets are late': { lateShare: 0.01 },
    'its verdicts are late': { verdictP99Ms: 24 },
  };

  function after(...beats: Partial<RecentLoad>[]): boolean {
    const watch = new OverloadWatch();
    for (const [beat, load] of beats.entries()) watch.note({ ...idle, ...load }, beat * BEAT_MS);
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
    const kept = { busy: 0.85, working: 0.1, loopDelayP99Ms: 60, lateShare: 0.2 };
    expect(after(kept, kept, kept, kept)).to.equal(false);
    const watch = new OverloadWatch();
    for (let beat = 0; beat < 10; beat++) watch.note({ ...idle, ...kept }, beat * BEAT_MS);
    expect(watch.hasRoom(10 * BEAT_MS)).to.equal(true);
  });

  it('is not well again while it is late', () => {
    const bad = { busy: 1 };
    const late = { busy: 0.7, loopDelayP99Ms: 10 };
    expect(after(bad, bad, bad, late, late, late, late)).to.equal(true);
  });

  describe('room for calls', () => {
    it('is there for a hundred and more that come at once to a thread that does nothing, and not for any number', () => {
      const worker = new SimulatedWorker();
      worker.offer(300);
      expect(worker.calls).to.be.within(120, 160);
    });

    it('is there for 20 a second who leave soon, for 10 s', () => {
      const worker = new SimulatedWorker();
      worker.offer(20);
      worker.pass(20);
      for (let second = 0; second < 10; second++) {
        expect(worker.offer(20), `second ${second}`).to.equal(20);
        worker.pass(1);
        worker.leave(20);
      }
    });

    it('is there for 40 who come at once beside 40 that talk', () => {
      const worker = new SimulatedWorker();
      worker.offer(40);
      worker.pass(30);
      expect(worker.offer(40)).to.equal(40);
    });

    for (const perSecond of [1, 5, 20]) {
      it(`ends where calls sound well, whether or not those that come show yet: ${perSecond} a second`, () => {
        const worker = new SimulatedWorker();
        for (let second = 0; second < 200; second++) {
          worker.offer(perSecond);
          worker.pass(1);
        }
        expect(worker.calls).to.be.within(135, 165);
        expect(worker.worstBusy).to.be.below(0.8);
      });
    }

    it('does not come and go at the limit', () => {
      const worker = new SimulatedWorker();
      for (let second = 0; second < 100; second++) {
        worker.offer(5);
        worker.pass(1);
      }
      let taken = 0;
      for (let second = 0; second < 100; second++) {
        taken += worker.offer(5);
        worker.pass(1);
      }
      expect(taken, 'of 500 that came').to.be.below(5);
    });

    it('is there again for as many as leave', () => {
      const worker = new SimulatedWorker();
      for (let second = 0; second < 100; second++) {
        worker.offer(5);
        worker.pass(1);
      }
      const most = worker.calls;
      worker.leave(30);
      for (let second = 0; second < 60; second++) {
        worker.offer(5);
        worker.pass(1);
      }
      expect(worker.calls).to.be.within(most - 12, most + 12);
    });
  });

  describe('after so many were too much', () => {
    const late = { ...idle, lateShare: 0.01 };

    /** A hundred calls have settled, and the thread is late with them; `idle` is how it is with fewer. */
    function strained(): { watch: OverloadWatch; nowMs: () => number; note: (load: RecentLoad) => void } {
      const watch = new OverloadWatch();
      let beat = 0;
      const note = (load: RecentLoad) => watch.note(load, ++beat * BEAT_MS);
      for (let call = 0; call < 100; call++) watch.opened(`call ${call}`, 0);
      for (let settled = 0; settled < 20; settled++) note(idle);
      for (let bad = 0; bad < 3; bad++) note(late);
      return { watch, note, nowMs: () => beat * BEAT_MS };
    }

    it('it is given none until it is well, and some have left', () => {
      const { watch, note, nowMs } = strained();
      expect(watch.hasRoom(nowMs())).to.equal(false);
      for (let call = 0; call < 11; call++) watch.closed(`call ${call}`);
      expect(watch.hasRoom(nowMs()), 'still late').to.equal(false);
      for (let well = 0; well < 3; well++) note(idle);
      expect(watch.hasRoom(nowMs())).to.equal(true);
      watch.opened('another', nowMs());
      expect(watch.hasRoom(nowMs()), 'nine tenths of what was too much').to.equal(false);
    });

    it('a few more are tried with each heartbeat, while all is well and as many come', () => {
      const { watch, note, nowMs } = strained();
      for (let call = 0; call < 10; call++) watch.closed(`call ${call}`);
      const counts: number[] = [];
      for (let well = 0, calls = 90; well < 6; well++) {
        note(idle);
        while (watch.hasRoom(nowMs())) watch.opened(`new ${calls++}`, nowMs() - 60_000);
        counts.push(calls);
      }
      expect(counts.slice(0, 3), 'three heartbeats to be sure').to.deep.equal([90, 90, 90]);
      expect(counts.slice(3)).to.deep.equal([92, 95, 98]);
    });
  });
});

/** A thread whose calls take 0.75 % of its time each once they talk, on a core that 85 of them make half full. */
class SimulatedWorker {
  readonly #watch = new OverloadWatch();
  #since = new Map<string, number>();
  #nowMs = 0;
  #opened = 0;
  worstBusy = 0;

  get calls(): number {
    return this.#since.size;
  }

  /** @returns how many it took */
  offer(calls: number): number {
    let taken = 0;
    for (; taken < calls && this.#watch.hasRoom(this.#nowMs); taken++) {
      const id = `call ${this.#opened++}`;
      this.#watch.opened(id, this.#nowMs);
      this.#since.set(id, this.#nowMs);
    }
    return taken;
  }

  leave(calls: number): void {
    for (const id of [...this.#since.keys()].slice(0, calls)) {
      this.#watch.closed(id);
      this.#since.delete(id);
    }
  }

  pass(seconds: number): void {
    for (let second = 0; second < seconds; second++) {
      this.#nowMs += BEAT_MS;
      const busy = Math.min(1, 0.08 + 0.004 * this.#talking() * this.#loudness());
      this.worstBusy = Math.max(this.worstBusy, busy);
      this.#watch.note({ busy, working: busy * 0.8, ...this.#delays(busy) }, this.#nowMs);
    }
  }

  /** They begin to within 8 s of their first packet. */
  #talking(): number {
    return [...this.#since.values()].reduce((sum, sinceMs) => sum + Math.min(1, (this.#nowMs - sinceMs) / 8000), 0);
  }

  /** More or less of them talk: by a twentieth, over some seconds. */
  #loudness(): number {
    return 1 + 0.05 * Math.sin(this.#nowMs / 3000);
  }

  #delays(busy: number): Omit<RecentLoad, 'busy' | 'working'> {
    const late = busy > 0.85;
    return {
      verdictP99Ms: late ? 60 : 8,
      windowsSkipped: 0,
      loopDelayP99Ms: late ? 15 : 4,
      lateShare: late ? 0.02 : 0,
    };
  }
}
