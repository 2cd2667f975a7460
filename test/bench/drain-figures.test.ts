import { expect } from 'chai';
import { drainFigures, drainRows } from '../../bench/drain-figures.ts';
import type { DrainedCall } from '../../bench/drain-figures.ts';

const call = (over: Partial<DrainedCall> = {}): DrainedCall => ({
  dropped: false,
  moved: true,
  baselineGapMs: 100,
  gapMs: 150,
  movedAfterMs: 2000,
  twoHeard: false,
  ...over,
});

describe('the figures of a drain', () => {
  it('count who was dropped, and leave their silence out of the gaps', () => {
    const figures = drainFigures([call(), call({ gapMs: 170 }), call({ dropped: true, gapMs: 9000 })], 7000);
    expect(figures).to.include({ calls: 3, dropped: 1, moved: 3, twoHeard: 0, goneAfterMs: 7000 });
    expect(figures.gap).to.include({ count: 2, p50: 150, max: 170 });
  });

  it('time the move of those alone that were moved', () => {
    const figures = drainFigures([call(), call({ moved: false, movedAfterMs: NaN })], 7000);
    expect(figures.movedAfter).to.include({ count: 1, p50: 2000 });
  });

  it('show calls in which two pods were heard', () => {
    const rows = drainRows(drainFigures([call({ twoHeard: true })], 7000));
    expect(rows.find(([name]) => String(name).startsWith('calls in which both'))?.[1]).to.equal(1);
  });
});
