import { expect } from 'chai';
import { metricOf, slopePerHour, udpSocketsOf } from '../../bench/footprint.ts';
import { compare, strikeFigures, type Possessions } from '../../bench/time-figures.ts';

const possessions: Possessions = {
  residentBytes: 100,
  heapBytes: 100,
  voiceHeapBytes: 100,
  threads: 20,
  descriptors: 200,
  udpPorts: 8,
  tcpSockets: 10,
  processes: 3,
  handles: 30,
  redisKeys: 0,
};

describe('what a server keeps over time', () => {
  it('is back where it is no more than a hundredth above what it was', () => {
    const backOf = (after: Partial<Possessions>, what: keyof Possessions) =>
      compare(possessions, { ...possessions, ...after }).find((each) => each.what === what)?.back;
    expect(backOf({}, 'redisKeys')).to.equal(true);
    expect(backOf({ redisKeys: 1 }, 'redisKeys')).to.equal(false);
    expect(backOf({ descriptors: 202 }, 'descriptors')).to.equal(true);
    expect(backOf({ descriptors: 203 }, 'descriptors')).to.equal(false);
    expect(backOf({ threads: 19 }, 'threads')).to.equal(true);
  });

  it('grows by its slope in an hour', () => {
    const samples = [0, 10, 20, 30].map((atS) => ({ atS, value: 5 + atS / 100 }));
    expect(slopePerHour(samples)).to.be.closeTo(36, 1e-9);
  });

  it('is read from the kernel and from metrics', () => {
    const row = (local: string, remote: string, inode: number, drops: number) =>
      `   1: ${local} ${remote} 07 00000000:00000000 00:00000000 00000000     0        0 ${inode} 2 0000 ${drops}`;
    const table = [
      'heading',
      row('0100007F:1F90', '0100007F:2710', 11, 3),
      row('00000000:0050', '00000000:0000', 12, 0),
    ];
    expect(udpSocketsOf(table.join('\n'), new Set(['11']))).to.deep.equal([
      { port: 8080, remotePort: 10_000, drops: 3 },
    ]);
    expect(metricOf('# HELP a b\na_total 7\na 8\n', 'a')).to.equal(8);
    expect(metricOf('', 'a')).to.equal(0);
  });
});

describe('what callers notice of a strike', () => {
  it('is told of those whose worker it was, and of the others', () => {
    const gaps = [
      { beforeMs: 60, afterMs: 700 },
      { beforeMs: 60, afterMs: 80 },
      { beforeMs: 400, afterMs: 500 },
    ];
    expect(strikeFigures('voice exit', gaps)).to.deep.equal({
      kind: 'voice exit',
      own: 1,
      others: 2,
      ownLongestMs: 700,
      othersLongestMs: 500,
      withinMs: 1_000,
    });
    expect(strikeFigures('media hang', [])).to.include({ own: 0, ownLongestMs: 0, withinMs: 4_000 });
  });
});
