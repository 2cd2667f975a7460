import { expect } from 'chai';
import * as fc from 'fast-check';
import { NetworkPath, type PathOptions } from './network-path.ts';
import { PacketNumbers } from './packet-numbers.ts';
import { writeRtpHeader } from '../../media/rtp/rtp.ts';

const PACKETS = 20_000;
const FRAME_MS = 20;

/** Sends packets every 20 ms. @returns when each arrived, and how often */
function send(options: PathOptions, packets = PACKETS, bytes = 100): number[][] {
  const path = new NetworkPath(options);
  return Array.from({ length: packets }, (_, index) => path.pass({ index, copy: 0 }, bytes, index * FRAME_MS));
}

const lostOf = (arrivals: number[][]) => arrivals.flatMap((times, index) => (times.length === 0 ? [index] : []));

/** Lengths of losses in a row. */
function runsOf(lost: number[]): number[] {
  const runs: number[] = [];
  for (const [at, index] of lost.entries()) {
    if (at > 0 && lost[at - 1] === index - 1) runs[runs.length - 1]!++;
    else runs.push(1);
  }
  return runs;
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('a network path of a test', () => {
  it('that is told nothing passes everything at once', () => {
    expect(send({}, 3)).to.deep.equal([[0], [20], [40]]);
  });

  it('hits the same packets for the same seed, and others for another', () => {
    const options = { lossPercent: 5, jitterMs: 30, delayMs: 50, duplicatePercent: 5 };
    expect(send({ ...options, seed: 3 })).to.deep.equal(send({ ...options, seed: 3 }));
    expect(lostOf(send({ ...options, seed: 3 }))).to.not.deep.equal(lostOf(send({ ...options, seed: 4 })));
  });

  it('decides by the number alone: whatever the order and the time, and whoever else sends', () => {
    const fates = (order: (index: number) => number, others: boolean) => {
      const path = new NetworkPath({ lossPercent: 20, burst: { lossPercent: 10, meanPackets: 3 } });
      const lost = new Set<number>();
      for (let at = 0; at < 1000; at++) {
        const index = order(at);
        if (others) path.pass({ index: -1 - at, copy: 0 }, 50, at);
        if (path.pass({ index, copy: 0 }, 100, at * 7).length === 0) lost.add(index);
      }
      return [...lost].toSorted((left, right) => left - right);
    };
    const inOrder = fates((at) => at, false);
    expect(inOrder.length).to.be.within(200, 400);
    expect(fates((at) => at ^ 3, true)).to.deep.equal(inOrder);
  });

  it('loses as many as it is told to, each on its own', () => {
    const lost = lostOf(send({ lossPercent: 10 }));
    expect(lost.length / PACKETS).to.be.closeTo(0.1, 0.01);
    expect(mean(runsOf(lost))).to.be.closeTo(1 / 0.9, 0.05);
  });

  it('loses as many as it is told to in bursts of the length that it is told', () => {
    const lost = lostOf(send({ burst: { lossPercent: 5, meanPackets: 4 } }));
    expect(lost.length / PACKETS).to.be.closeTo(0.05, 0.012);
    expect(mean(runsOf(lost))).to.be.closeTo(4, 0.6);
  });

  it('loses in bursts that are all alike', () => {
    const lost = lostOf(send({ regularBurst: { packets: 5, everyPackets: 95 } }, 1000));
    expect(lost).to.have.lengthOf(50);
    expect(lost.slice(0, 6)).to.deep.equal([95, 96, 97, 98, 99, 195]);
  });

  it('lets a packet that is sent again have a fate of its own', () => {
    const path = new NetworkPath({ lossPercent: 50 });
    const fates = Array.from({ length: 40 }, (_, copy) => path.pass({ index: 7, copy }, 100, copy).length);
    expect(fates).to.include(0).and.to.include(1);
  });

  it('delays by what it is told, evenly around it, and never sends into the past', () => {
    const delays = send({ delayMs: 100, jitterMs: 50 }).map(([atMs], index) => atMs! - index * FRAME_MS);
    expect(Math.min(...delays)).to.be.within(50, 51);
    expect(Math.max(...delays)).to.be.within(149, 150);
    expect(mean(delays)).to.be.closeTo(100, 1);
    const early = send({ delayMs: 10, jitterMs: 50 }, 500).map(([atMs], index) => atMs! - index * FRAME_MS);
    expect(Math.min(...early)).to.equal(0);
  });

  it('has some come later than those after them, and some come twice', () => {
    const arrivals = send({ reorder: { percent: 10, lateMs: 30 }, duplicatePercent: 3 });
    const late = arrivals.filter(([atMs], index) => atMs! - index * FRAME_MS === 30);
    expect(late.length / PACKETS).to.be.closeTo(0.1, 0.01);
    expect(arrivals.filter((times) => times.length === 2).length / PACKETS).to.be.closeTo(0.03, 0.005);
  });

  it('sends no faster than its rate, and loses what its queue has no place for', () => {
    // 100 bytes in 20 ms are 40 kbit/s; twice as much comes.
    const path = new NetworkPath({ rate: { kilobitsPerSecond: 40, queueMs: 100 } });
    const arrivals = Array.from({ length: 200 }, (_, index) => path.pass({ index, copy: 0 }, 100, index * 10));
    const times = arrivals.flat();
    for (const [at, atMs] of times.entries()) expect(atMs).to.be.closeTo((at + 1) * FRAME_MS, 1e-6);
    expect(path.statistics.overflowed).to.be.within(85, 100);
    const delays = arrivals.flatMap(([atMs], index) => (atMs === undefined ? [] : [atMs - index * 10]));
    expect(Math.max(...delays)).to.be.at.most(100 + FRAME_MS);
  });

  it('accounts for every packet, whatever it is told', () => {
    const options = fc.record({
      seed: fc.nat(),
      delayMs: fc.nat(300),
      jitterMs: fc.nat(100),
      lossPercent: fc.nat(100),
      duplicatePercent: fc.nat(100),
    });
    fc.assert(
      fc.property(options, fc.nat(200), (path, packets) => {
        const network = new NetworkPath(path);
        let arrived = 0;
        for (let index = 0; index < packets; index++) {
          const times = network.pass({ index, copy: 0 }, 100, index);
          for (const atMs of times) expect(atMs - index).to.be.within(0, path.delayMs + path.jitterMs);
          arrived += times.length;
        }
        expect(arrived).to.equal(packets - network.statistics.lost + network.statistics.duplicated);
        expect(network.statistics).to.include({ packets, delivered: arrived });
      }),
    );
  });
});

describe('the numbers of packets', () => {
  const rtp = (sequence: number, ssrc = 7) => {
    const packet = Buffer.alloc(40);
    writeRtpHeader(packet, 111, false, sequence & 0xffff, 0, ssrc);
    return packet;
  };

  it('follow the sequence numbers, over their wrap and through disorder', () => {
    const numbers = new PacketNumbers();
    const indices = [65_533, 65_534, 0, 65_535, 1].map((sequence) => numbers.of(rtp(sequence)));
    expect(indices.map(({ index }) => index)).to.deep.equal([0, 1, 3, 2, 4]);
    expect(indices.every(({ copy }) => copy === 0)).to.equal(true);
  });

  it('tell what is sent again from what is sent first, also after the numbers have come round', () => {
    const numbers = new PacketNumbers();
    expect([5, 6, 5, 5].map((sequence) => numbers.of(rtp(sequence)).copy)).to.deep.equal([0, 0, 1, 2]);
    const indices = Array.from({ length: 140_000 }, (_, at) => numbers.of(rtp(7 + at)));
    expect(indices.every(({ index, copy }, at) => copy === 0 && index === at + 2)).to.equal(true);
  });

  it('keep streams apart, and count what is no media downwards', () => {
    const numbers = new PacketNumbers();
    const stun = Buffer.alloc(20);
    const rtcp = Buffer.from([0x80, 200, 0, 1, 0, 0, 0, 1]);
    expect([rtp(9), stun, rtp(100, 8), rtcp, rtp(10)].map((packet) => numbers.of(packet).index)).to.deep.equal([
      0, -1, 0, -2, 1,
    ]);
  });
});
