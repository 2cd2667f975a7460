import { expect } from 'chai';
import * as fc from 'fast-check';
import { GapPatience } from '../../../media/rtp/gap-patience.ts';

const FRAME_MS = 20;
const FRAME_48K = 960;

/** So many packets are missing, and each comes (in time or late) as `cameMs` says; undefined: never. */
function miss(patience: GapPatience, packets: number, cameMs: (index: number) => number | undefined): void {
  for (let index = 0; index < packets; index++) {
    const waitedMs = cameMs(index);
    if (waitedMs !== undefined && waitedMs < patience.targetMs) patience.filled(waitedMs);
    else {
      patience.givenUp();
      if (waitedMs !== undefined) patience.cameLate(waitedMs);
    }
  }
}

/** Packets in order, each so many ms late. */
function arrive(patience: GapPatience, packets: number, lateMs: (index: number) => number): void {
  for (let index = 0; index < packets; index++) {
    patience.inOrder((index * FRAME_48K) >>> 0, index * FRAME_MS + lateMs(index));
  }
}

describe('GapPatience', () => {
  it('waits 60 ms while it knows nothing', () => {
    expect(new GapPatience().targetMs).to.equal(60);
  });

  it('waits as long as retransmissions take, be it less or more', () => {
    for (const [cameMs, targetMs] of [
      [12, 20],
      [35, 40],
      [85, 90],
      [112, 120],
    ] as const) {
      const patience = new GapPatience();
      miss(patience, 100, () => cameMs);
      expect(patience.targetMs, `packets that come after ${cameMs} ms`).to.equal(targetMs);
    }
  });

  it('learns of a longer way from packets that come too late for it', () => {
    const patience = new GapPatience();
    miss(patience, 3, () => 95);
    expect(patience.targetMs).to.equal(100);
  });

  it('does not wait for packets that nobody sends again', () => {
    const patience = new GapPatience();
    miss(patience, 20, () => undefined);
    expect(patience.targetMs).to.equal(20);
  });

  it('does not wait for packets that always come too late', () => {
    const patience = new GapPatience();
    miss(patience, 20, () => 300);
    expect(patience.targetMs).to.equal(20);
  });

  it('waits where four in five come, and not where one in five does', () => {
    const often = new GapPatience();
    miss(often, 200, (index) => (index % 5 === 0 ? undefined : 95));
    expect(often.targetMs).to.equal(100);
    const seldom = new GapPatience();
    miss(seldom, 200, (index) => (index % 5 === 0 ? 95 : undefined));
    expect(seldom.targetMs).to.equal(20);
  });

  it('finds out when the way has changed', () => {
    const patience = new GapPatience();
    miss(patience, 200, () => 30);
    expect(patience.targetMs).to.equal(30 + 10);
    miss(patience, 30, () => 90);
    expect(patience.targetMs).to.equal(100);
    miss(patience, 100, () => 30);
    expect(patience.targetMs).to.equal(40);
  });

  it('measures jitter, and waits for packets that may merely be late', () => {
    const patience = new GapPatience();
    miss(patience, 20, () => undefined);
    arrive(patience, 400, () => 0);
    expect(patience).to.include({ jitterMs: 0, targetMs: 20 });
    arrive(patience, 400, (index) => (index % 2) * 30);
    expect(patience.jitterMs).to.be.closeTo(30, 0.1);
    expect(patience.targetMs).to.be.closeTo(80, 0.2);
    arrive(patience, 400, (index) => (index % 2) * 100);
    expect(patience.targetMs).to.equal(120);
  });

  it('takes no silence for jitter, and no new clock', () => {
    const patience = new GapPatience();
    arrive(patience, 10, () => 0);
    patience.inOrder(30 * FRAME_48K, 30 * FRAME_MS);
    expect(patience.jitterMs).to.equal(0);
    patience.restart();
    patience.inOrder(4_000_000_000, 31 * FRAME_MS);
    patience.inOrder(17, 32 * FRAME_MS);
    expect(patience.jitterMs).to.equal(0);
  });

  it('tells packets that were sent again from those that were overtaken', () => {
    const patience = new GapPatience();
    expect([0, 5, 9, 10, 40].map((waitedMs) => patience.filled(waitedMs))).to.deep.equal([
      false,
      false,
      false,
      true,
      true,
    ]);
    arrive(patience, 400, (index) => (index % 2) * 30);
    expect([40, 69, 75].map((waitedMs) => patience.filled(waitedMs))).to.deep.equal([false, false, true]);
  });

  it('stays between 20 and 120 ms whatever happens', () => {
    const happening = fc.oneof(
      fc.record({ kind: fc.constant('filled' as const), ms: fc.double({ min: -50, max: 5000, noNaN: true }) }),
      fc.record({ kind: fc.constant('late' as const), ms: fc.double({ min: -50, max: 1e7, noNaN: true }) }),
      fc.record({ kind: fc.constant('givenUp' as const), ms: fc.constant(0) }),
      fc.record({ kind: fc.constant('inOrder' as const), ms: fc.double({ min: 0, max: 1e7, noNaN: true }) }),
    );
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 200 }), (happenings) => {
        const patience = new GapPatience();
        for (const { kind, ms } of happenings) {
          if (kind === 'filled') patience.filled(ms);
          else if (kind === 'late') patience.cameLate(ms);
          else if (kind === 'givenUp') patience.givenUp();
          else patience.inOrder((ms * 997) >>> 0, ms);
          expect(patience.targetMs).to.be.within(20, 120);
          expect(patience.jitterMs).to.be.within(0, 500);
        }
      }),
    );
  });
});
