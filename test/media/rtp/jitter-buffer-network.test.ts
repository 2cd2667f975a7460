import { expect } from 'chai';
import * as fc from 'fast-check';
import { JitterBuffer } from '../../../media/rtp/jitter-buffer.ts';
import { FRAME, Line, Listener } from '../../support/rtp-line.ts';

const FRAME_MS = 20;
/** The longest wait for a gap. */
const MOST_MS = 120;
const MINUTE = 60_000 * 48;

describe('JitterBuffer on a network', () => {
  it('bears 10 % of loss for a minute: every packet that comes is heard, in order, and no time is lost', () => {
    const line = new Line(65_000, 2 ** 32 - 90_000);
    const came: string[] = [];
    let seed = 1;
    for (let number = 0; number < 3000; number++) {
      seed = (seed * 48_271) % 0x7fffffff;
      const isLost = seed % 10 === 0 && number > 0 && number < 2999;
      if (!isLost) {
        line.arrive(number);
        came.push(`p${number}`);
      }
      line.wait(FRAME_MS);
    }
    line.wait(MOST_MS);
    expect(line.told.filter((word) => word.startsWith('p'))).to.deep.equal(came);
    expect(line.listener.samples).to.equal(3000 * FRAME);
    expect(line.buffer.statistics).to.include({ lost: 3000 - came.length, late: 0, restarts: 0 });
    expect(3000 - came.length).to.be.within(200, 400);
  });

  it('hears Chromium through its silences: a packet in 400 ms, then speech again', () => {
    const line = new Line();
    let silence = 0;
    let number = 0;
    const speak = (packets: number) => {
      for (let sent = 0; sent < packets; sent++) line.arrive(number++, silence).wait(FRAME_MS);
    };
    speak(50);
    for (let rare = 0; rare < 10; rare++) {
      line.wait(380);
      silence += 19 * FRAME;
      speak(1);
    }
    speak(50);
    expect(line.told.filter((word) => word.startsWith('g'))).to.deep.equal(Array<string>(10).fill('g18240'));
    expect(line.listener.samples).to.equal((110 + 190) * FRAME);
    expect(line.buffer.statistics).to.include({ lost: 0, restarts: 0 });
  });

  describe('where packets that are lost are sent again', () => {
    /** Every tenth packet is lost, and comes so much later than the next one, if it does. */
    function converse(packets: number, againMs: (number: number) => number | undefined): Line {
      const line = new Line();
      const again: { number: number; atMs: number }[] = [];
      for (let number = 0; number < packets; number++) {
        if (number % 10 !== 5) line.arrive(number);
        else {
          const waitMs = againMs(number);
          if (waitMs !== undefined) again.push({ number, atMs: line.nowMs + FRAME_MS + waitMs });
        }
        for (const nextMs = line.nowMs + FRAME_MS; line.nowMs < nextMs;) {
          line.wait(5);
          while (again[0] && again[0].atMs <= line.nowMs) line.arrive(again.shift()!.number);
        }
      }
      return line.wait(MOST_MS);
    }

    it('waits for them, once it has seen how long they take', () => {
      const { statistics, targetMs } = converse(1004, () => 95).buffer;
      expect(targetMs).to.equal(100);
      expect(statistics.recovered).to.be.within(95, 99);
      expect(statistics.lost).to.equal(statistics.late).and.to.be.within(1, 5);
      expect(statistics.waitedMs).to.be.within(95 * 95, 100 * 100);
    });

    it('waits no longer than they take', () => {
      const { statistics, targetMs } = converse(1004, () => 30).buffer;
      expect(targetMs).to.equal(40);
      expect(statistics).to.include({ recovered: 100, lost: 0, waitedMs: 100 * 30 });
    });

    it('hardly waits where they never come', () => {
      const { statistics, targetMs } = converse(1004, () => undefined).buffer;
      expect(targetMs).to.equal(20);
      expect(statistics).to.include({ recovered: 0, lost: 100 });
      expect(statistics.waitedMs).to.be.within(100 * 20, 90 * 20 + 10 * 60);
    });

    it('never holds back what comes in its order', () => {
      const line = new Line();
      for (let number = 0; number < 500; number++) {
        const jitterMs = (number * 7919) % 15;
        line.wait(jitterMs).arrive(number);
        expect(line.buffer).to.include({ heldPackets: 0, nextDeadlineMs: Infinity });
        line.wait(FRAME_MS - jitterMs);
      }
      expect(line.buffer.statistics).to.include({ waitedMs: 0, recovered: 0, lost: 0 });
    });
  });

  describe('whatever the network does', () => {
    const start = fc.record({ sequence: fc.nat(65_535), timestamp: fc.nat(2 ** 32 - 1) });
    /** For each packet: how many places later it comes, how often, and the silence before it, in frames. */
    const fates = fc.array(
      fc.record({
        places: fc.nat(20),
        copies: fc.oneof({ weight: 6, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.constantFrom(0, 2, 3) }),
        silence: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(50) }),
      }),
      { minLength: 2, maxLength: 200 },
    );

    it('it hands on every packet once, in order, and accounts for all of the time', () => {
      fc.assert(
        fc.property(start, fates, ({ sequence, timestamp }, packets) => {
          // Never waits so long that a packet which is only late counts as lost.
          const line = new Line(sequence, timestamp, { targetMs: 10_000 });
          let silence = 0;
          const sent = packets.map(({ places, copies, silence: frames }, number) => {
            silence += number === 0 ? 0 : frames;
            const ends = number === 0 || number === packets.length - 1;
            return {
              number,
              silence,
              copies: Math.max(ends ? 1 : 0, copies),
              place: number === 0 ? -1 : number + places,
            };
          });
          const arrivals = sent.flatMap((packet) => Array<typeof packet>(packet.copies).fill(packet));
          for (const { number, silence: frames } of arrivals.sort((a, b) => a.place - b.place)) {
            line.arrive(number, frames * FRAME);
            line.nowMs += 5;
            expect(line.buffer.heldPackets).to.be.at.most(63);
          }
          line.buffer.poll(line.nowMs + 10_000);
          const expected = sent.filter(({ copies }) => copies > 0).map(({ number }) => `p${number}`);
          expect(line.told.filter((word) => word.startsWith('p'))).to.deep.equal(expected);
          expect(line.listener.samples).to.equal((packets.length + silence) * FRAME);
          expect(line.buffer.statistics.duplicates).to.equal(arrivals.length - expected.length);
          expect(line.buffer).to.include({ heldPackets: 0, nextDeadlineMs: Infinity });
        }),
      );
    });

    it('it never keeps a packet longer than 120 ms, nor turns back', () => {
      fc.assert(
        fc.property(start, fates, ({ sequence, timestamp }, packets) => {
          const line = new Line(sequence, timestamp);
          const arrivals = packets.flatMap(({ places, copies }, number) =>
            Array.from({ length: copies }, () => ({ number, place: number + places })),
          );
          for (const { number } of arrivals.sort((a, b) => a.place - b.place)) {
            line.arrive(number).wait(10);
            if (line.buffer.heldPackets > 0) {
              expect(line.buffer.nextDeadlineMs).to.be.within(line.nowMs, line.nowMs + MOST_MS);
            }
          }
          const numbers = line
            .wait(MOST_MS)
            .told.filter((word) => word.startsWith('p'))
            .map((word) => Number(word.slice(1)));
          for (let index = 1; index < numbers.length; index++) {
            expect(numbers[index]).to.be.above(numbers[index - 1]!);
          }
          const { received, duplicates, late } = line.buffer.statistics;
          expect(received).to.equal(numbers.length + duplicates + late);
        }),
      );
    });

    it('it survives any packets at all, with bounded memory and bounded output', () => {
      const hostile = fc.record({
        sequence: fc.oneof(fc.nat(65_535), fc.nat(200)),
        timestamp: fc.oneof(fc.nat(2 ** 32 - 1), fc.nat(100_000)),
        payload: fc.uint8Array({ maxLength: 4 }),
        laterMs: fc.nat(100),
      });
      fc.assert(
        fc.property(fc.array(hostile, { maxLength: 300 }), (packets) => {
          const listener = new Listener();
          const buffer = new JitterBuffer({}, listener);
          let nowMs = 0;
          for (const { sequence, timestamp, payload, laterMs } of packets) {
            nowMs += laterMs;
            buffer.push(sequence, timestamp, payload, nowMs);
            if (laterMs > 50) buffer.poll(nowMs);
            expect(buffer.heldPackets).to.be.within(0, 63);
            expect(buffer.nextDeadlineMs === Infinity).to.equal(buffer.heldPackets === 0);
          }
          expect(listener.told.length).to.be.at.most(packets.length * 4);
          for (const word of listener.told) {
            const samples = Number(word.slice(1));
            if (word.startsWith('l')) expect(samples).to.be.within(1, 5760);
            if (word.startsWith('g')) expect(samples).to.be.within(1, MINUTE);
          }
        }),
        { numRuns: 300 },
      );
    });
  });
});
