import { expect } from 'chai';
import { SlidingWindow } from '../../signalling/sliding-window.ts';

describe('SlidingWindow', () => {
  it('is full with the 20th within 10 s', () => {
    const window = new SlidingWindow({ limit: 20, windowMs: 10_000 });
    const hits = Array.from({ length: 20 }, (_, i) => window.hit(i * 500));
    expect(hits.indexOf(true)).to.equal(19);
  });

  it('forgets what is 10 s old', () => {
    const window = new SlidingWindow({ limit: 20, windowMs: 10_000 });
    for (let i = 0; i < 19; i += 1) expect(window.hit(0)).to.equal(false);
    expect(window.hit(10_000)).to.equal(false);
    for (let i = 0; i < 18; i += 1) expect(window.hit(10_001)).to.equal(false);
    expect(window.hit(10_002)).to.equal(true);
  });

  it('stays full while it is hit, and empties when it is left alone', () => {
    const window = new SlidingWindow({ limit: 3, windowMs: 100 });
    for (let i = 0; i < 1_000; i += 1) window.hit(i / 100);
    expect(window.hit(11)).to.equal(true);
    expect(window.hit(500)).to.equal(false);
  });
});
