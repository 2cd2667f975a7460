import { expect } from 'chai';
import * as fc from 'fast-check';
import { PlayoutClock, type FrameKind, type PlayoutClockOptions } from '../../../media/speech/playout-clock.ts';
import { sequenceDistance, timestampDistance } from '../../../media/rtp/rtp.ts';

const FRAME_MS = 20;
const FRAME_SAMPLES = 960;
const START_MS = 1_000_000;

type Sent = { atMs: number; sequence: number; timestamp: number; marker: boolean };

function clock(options: Partial<PlayoutClockOptions> = {}): PlayoutClock {
  const initial = { sequence: 100, timestamp: 5000 };
  return new PlayoutClock({ frameMs: FRAME_MS, phaseMs: 0, nowMs: START_MS, initial, ...options });
}

/** The packets that leave at `nowMs`: all that the clock would have sent in one go. */
function send(playout: PlayoutClock, nowMs: number, kind: FrameKind = 'speech'): Sent[] {
  if (playout.due(nowMs) === 0 || !playout.stamp(kind)) return [];
  const { sequence, timestamp, marker } = playout;
  return [{ atMs: nowMs, sequence, timestamp, marker }];
}

/** Runs the send loop, every 5 ms, from one time to before another. */
function run(playout: PlayoutClock, fromMs: number, untilMs: number, kind: FrameKind = 'speech'): Sent[] {
  const sent: Sent[] = [];
  for (let nowMs = fromMs; nowMs < untilMs; nowMs += 5) sent.push(...send(playout, nowMs, kind));
  return sent;
}

describe('PlayoutClock', () => {
  it('has a frame due every 20 ms, each with the next sequence number and timestamp', () => {
    const sent = run(clock(), START_MS, START_MS + 100);
    expect(sent).to.deep.equal([
      { atMs: START_MS, sequence: 100, timestamp: 5000, marker: true },
      { atMs: START_MS + 20, sequence: 101, timestamp: 5960, marker: false },
      { atMs: START_MS + 40, sequence: 102, timestamp: 6920, marker: false },
      { atMs: START_MS + 60, sequence: 103, timestamp: 7880, marker: false },
      { atMs: START_MS + 80, sequence: 104, timestamp: 8840, marker: false },
    ]);
  });

  it('has its frames at its own place on the grid', () => {
    expect(clock({ phaseMs: 5, nowMs: START_MS + 1 }).nextDueMs).to.equal(START_MS + 5);
    expect(clock({ phaseMs: 15, nowMs: START_MS + 16 }).nextDueMs).to.equal(START_MS + 35);
    expect(clock({ phaseMs: 10, nowMs: START_MS + 10 }).nextDueMs).to.equal(START_MS + 10);
  });

  it('is not due again before the frame is stamped and 20 ms have passed', () => {
    const playout = clock();
    expect(playout.due(START_MS - 0.1)).to.equal(0);
    expect(playout.due(START_MS)).to.equal(1);
    expect(playout.due(START_MS)).to.equal(1);
    playout.stamp('speech');
    expect(playout.due(START_MS + 19.9)).to.equal(0);
    expect(playout.nextDueMs).to.equal(START_MS + 20);
  });

  it('has a talk spurt begin within a silent frame, on the same clock', () => {
    const playout = clock();
    run(playout, START_MS, START_MS + 60, 'silence');
    expect(playout.bringForward(START_MS + 45)).to.equal(true);
    const sent = run(playout, START_MS + 45, START_MS + 90);
    expect(sent.map(({ atMs }) => atMs)).to.deep.equal([START_MS + 45, START_MS + 65, START_MS + 85]);
    expect(sent.map(({ timestamp }) => timestamp)).to.deep.equal([5000 + 45 * 48, 5000 + 65 * 48, 5000 + 85 * 48]);
    expect(sent[0]).to.include({ marker: true });
  });

  it('has it wait for the place after a frame that was sent', () => {
    const playout = clock();
    run(playout, START_MS, START_MS + 20);
    expect(playout.bringForward(START_MS + 15)).to.equal(false);
    expect(playout.nextDueMs).to.equal(START_MS + 20);
  });

  it('does not drift when every frame is late', () => {
    const playout = clock();
    for (let frame = 0; frame < 3000; frame++) expect(send(playout, START_MS + frame * 20 + 7.3)).to.have.lengthOf(1);
    expect(playout.nextDueMs).to.equal(START_MS + 60_000);
    expect(playout.due(START_MS + 59_999)).to.equal(0);
  });

  describe('in silence', () => {
    it('sends one packet in 400 ms, with timestamps that run on and sequence numbers that do not', () => {
      const playout = clock();
      run(playout, START_MS, START_MS + 100);
      const sent = run(playout, START_MS + 100, START_MS + 1300, 'silence');
      expect(sent.map(({ atMs }) => atMs - START_MS)).to.deep.equal([480, 880, 1280]);
      expect(sent.map(({ sequence }) => sequence)).to.deep.equal([105, 106, 107]);
      expect(sent.map(({ timestamp }) => (timestamp - 5000) / FRAME_SAMPLES)).to.deep.equal([24, 44, 64]);
      expect(sent.some(({ marker }) => marker)).to.equal(false);
    });

    it('sends its first packet at once, so that the way is open', () => {
      expect(run(clock(), START_MS, START_MS + 800, 'silence').map(({ atMs }) => atMs - START_MS)).to.deep.equal([
        0, 400,
      ]);
    });

    it('sends every frame of the tail', () => {
      const playout = clock();
      run(playout, START_MS, START_MS + 100);
      const tail = run(playout, START_MS + 100, START_MS + 140, 'tail');
      expect(tail.map(({ sequence, marker }) => [sequence, marker])).to.deep.equal([
        [105, false],
        [106, false],
      ]);
    });
  });

  it('marks the first packet of each talk spurt', () => {
    const playout = clock();
    const kinds: FrameKind[] = ['silence', 'speech', 'speech', 'tail', 'tail', 'speech', 'speech', 'silence', 'speech'];
    const marked = kinds.map((kind, frame) => send(playout, START_MS + frame * 20, kind).some(({ marker }) => marker));
    expect(marked).to.deep.equal([false, true, false, false, false, true, false, false, true]);
  });

  it('wraps sequence numbers and timestamps', () => {
    const sent = run(clock({ initial: { sequence: 65_534, timestamp: 2 ** 32 - 1000 } }), START_MS, START_MS + 80);
    expect(sent.map(({ sequence }) => sequence)).to.deep.equal([65_534, 65_535, 0, 1]);
    expect(sent.map(({ timestamp }) => timestamp)).to.deep.equal([2 ** 32 - 1000, 2 ** 32 - 40, 920, 1880]);
  });

  it('starts at random in the lower half of the sequence numbers', () => {
    const starts = Array.from({ length: 50 }, () => {
      const playout = new PlayoutClock({ frameMs: FRAME_MS, phaseMs: 0, nowMs: START_MS });
      return send(playout, START_MS)[0]!;
    });
    expect(Math.max(...starts.map(({ sequence }) => sequence))).to.be.below(0x8000);
    expect(new Set(starts.map(({ sequence }) => sequence)).size).to.be.above(10);
    expect(new Set(starts.map(({ timestamp }) => timestamp)).size).to.be.above(10);
  });

  describe('when the thread stood still', () => {
    it('catches up frame by frame after 60 ms or less', () => {
      const playout = clock();
      run(playout, START_MS, START_MS + 100);
      const sent = run(playout, START_MS + 160, START_MS + 200);
      expect(sent.map(({ atMs }) => atMs - START_MS)).to.deep.equal([160, 165, 170, 175, 180]);
      expect(playout.statistics.skipped).to.equal(0);
    });

    it('skips ahead after more: no burst, and timestamps as if it had gone on', () => {
      const playout = clock();
      run(playout, START_MS, START_MS + 100);
      const sent = run(playout, START_MS + 5107, START_MS + 5160);
      expect(sent.map(({ atMs }) => atMs - START_MS)).to.deep.equal([5107, 5122, 5142]);
      expect(sent.map(({ timestamp }) => (timestamp - 5000) / FRAME_SAMPLES)).to.deep.equal([255, 256, 257]);
      expect(sent.map(({ sequence }) => sequence)).to.deep.equal([105, 106, 107]);
      expect(sent.map(({ marker }) => marker)).to.deep.equal([true, false, false]);
      expect(playout.statistics.skipped).to.equal(250);
    });
  });

  it('counts a stall as silence: a packet is due after it', () => {
    const playout = clock();
    run(playout, START_MS, START_MS + 100);
    expect(send(playout, START_MS + 400, 'silence')).to.have.lengthOf(0);
    expect(send(playout, START_MS + 900, 'silence')).to.have.lengthOf(1);
  });

  it('tells how late packets left', () => {
    const playout = clock();
    for (const [frame, latenessMs] of [0, 5, 5.5, 20, 21, 300].entries())
      send(playout, START_MS + frame * 20 + latenessMs);
    expect(playout.lastLatenessMs).to.equal(300);
    expect(playout.statistics).to.deep.equal({ sent: 6, skipped: 15, late5Ms: 4, late20Ms: 2, maxLatenessMs: 300 });
  });

  it('counts no lateness where nothing is sent', () => {
    const playout = clock();
    send(playout, START_MS);
    send(playout, START_MS + 70, 'silence');
    expect(playout.statistics).to.include({ sent: 1, late5Ms: 0, maxLatenessMs: 0 });
  });

  describe('in another thread', () => {
    it('goes on 200 packets later, with the timestamp advanced by the time gone by', () => {
      const first = clock();
      run(first, START_MS, START_MS + 1000);
      const snapshot = first.snapshot(START_MS + 1000);
      expect(snapshot).to.deep.equal({ sequence: 150, timestamp: 5000 + 48_000, atMs: START_MS + 1000 });
      const second = clock({ phaseMs: 10, nowMs: START_MS + 1500, initial: { sequence: 7, timestamp: 7 } });
      second.restore(snapshot, START_MS + 1500);
      expect(send(second, START_MS + 1510)).to.deep.equal([
        { atMs: START_MS + 1510, sequence: 350, timestamp: 5000 + 1510 * 48, marker: true },
      ]);
    });

    it('takes the time between two frames into account', () => {
      const first = clock();
      run(first, START_MS, START_MS + 1000);
      expect(first.snapshot(START_MS + 993).timestamp).to.equal(5000 + 993 * 48);
      expect(first.snapshot(START_MS + 9000).timestamp).to.equal(5000 + 9000 * 48);
    });

    it('starts a talk spurt, or shows at once that it is there', () => {
      for (const kind of ['speech', 'silence'] as const) {
        const playout = clock();
        run(playout, START_MS, START_MS + 100);
        playout.restore(playout.snapshot(START_MS + 100), START_MS + 100);
        expect(send(playout, START_MS + 100, kind)[0]).to.include({ sequence: 305, marker: kind === 'speech' });
      }
    });

    it('leaves out as many sequence numbers as it is told', () => {
      const playout = clock();
      playout.restore({ sequence: 65_500, timestamp: 0, atMs: START_MS }, START_MS, 100);
      expect(send(playout, START_MS)[0]).to.include({ sequence: 64, timestamp: 0 });
    });

    it('never goes back, even if the snapshot seems to come from the future', () => {
      const playout = clock();
      playout.restore({ sequence: 100, timestamp: 48_000, atMs: START_MS + 5000 }, START_MS);
      expect(send(playout, START_MS)[0]).to.include({ sequence: 300, timestamp: 48_000 });
    });

    it('is ahead of all that was sent, whenever the first one stopped within 4 s of its snapshot', () => {
      const times = fc.record({
        initial: fc.record({ sequence: fc.nat(65_535), timestamp: fc.nat(2 ** 32 - 1) }),
        phaseMs: fc.constantFrom(0, 5, 10, 15),
        snapshotMs: fc.integer({ min: 0, max: 2000 }),
        lastMs: fc.integer({ min: 0, max: 3900 }),
        awayMs: fc.integer({ min: 25, max: 4000 }),
      });
      fc.assert(
        fc.property(times, ({ initial, phaseMs, snapshotMs, lastMs, awayMs }) => {
          const first = clock({ initial });
          run(first, START_MS, START_MS + snapshotMs);
          const snapshot = first.snapshot(START_MS + snapshotMs);
          const stoppedMs = START_MS + snapshotMs + lastMs;
          const before = run(first, START_MS + snapshotMs, stoppedMs).at(-1);
          const second = clock({ phaseMs, nowMs: stoppedMs });
          second.restore(snapshot, stoppedMs + awayMs);
          const after = run(second, stoppedMs + awayMs, stoppedMs + awayMs + 30)[0]!;
          const { sequence, timestamp, atMs } = before ?? { ...snapshot, sequence: snapshot.sequence - 1 };
          expect(sequenceDistance(sequence, after.sequence)).to.be.within(1, 201);
          expect(timestampDistance(timestamp, after.timestamp)).to.be.within(1, (after.atMs - atMs + 20) * 48);
        }),
        { numRuns: 200 },
      );
    });
  });

  it('never repeats or turns back a sequence number or a timestamp, whatever happens to its thread', () => {
    const tick = fc.record({
      ms: fc.oneof(fc.integer({ min: 1, max: 25 }), fc.integer({ min: 1, max: 3000 })),
      kind: fc.constantFrom<FrameKind>('speech', 'tail', 'silence'),
      early: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(tick, { maxLength: 100 }), (ticks) => {
        const playout = clock({ initial: { sequence: 65_500, timestamp: 2 ** 32 - 10_000 } });
        let nowMs = START_MS;
        let last: Sent | undefined;
        for (const { ms, kind, early } of ticks) {
          nowMs += ms;
          if (early) playout.bringForward(nowMs);
          for (const packet of send(playout, nowMs, kind)) {
            if (last) {
              expect(sequenceDistance(last.sequence, packet.sequence)).to.equal(1);
              expect(timestampDistance(last.timestamp, packet.timestamp)).to.be.at.least(FRAME_SAMPLES);
            }
            last = packet;
          }
          const behindMs = nowMs - playout.nextDueMs;
          expect(behindMs).to.be.at.most(Math.max(60, ms));
        }
      }),
    );
  });
});
