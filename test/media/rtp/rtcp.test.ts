import { expect } from 'chai';
import * as fc from 'fast-check';
import { readRtcp } from '../../../media/rtp/rtcp.ts';

const NTP_1970 = 2_208_988_800;

/** One RTCP packet; `words` are what follows its first four bytes. */
function packet(type: number, count: number, words: number[], padding = 0): number[] {
  const bytes = [0x80 | (padding ? 0x20 : 0) | count, type];
  const length = words.length + padding / 4;
  bytes.push(length >> 8, length & 255);
  for (const word of words) bytes.push((word >>> 24) & 255, (word >>> 16) & 255, (word >>> 8) & 255, word & 255);
  if (padding) bytes.push(...Array<number>(padding - 1).fill(0), padding);
  return bytes;
}

const block = (ssrc: number, fraction: number, lost: number, jitter: number) => [
  ssrc,
  ((fraction << 24) | (lost & 0xffffff)) >>> 0,
  0,
  jitter,
  0,
  0,
];

/** Everything that the visitor was told, or false. */
function read(bytes: number[] | Uint8Array, length = bytes.length): unknown[][] | false {
  const told: unknown[][] = [];
  const valid = readRtcp(Uint8Array.from(bytes), length, {
    senderReport: (...values) => told.push(['sender', ...values]),
    receiverReport: (...values) => told.push(['receiver', ...values]),
    bye: (ssrc) => told.push(['bye', ssrc]),
  });
  expect(valid || told.length === 0, 'told of a packet that is malformed').to.equal(true);
  return valid && told;
}

describe('readRtcp', () => {
  it('reads what a sender says of its clock', () => {
    const report = packet(200, 0, [7, NTP_1970 + 1_700_000_000, 2 ** 31, 48_000, 10, 1000]);
    expect(read(report)).to.deep.equal([['sender', 7, 1_700_000_000_500, 48_000]]);
  });

  it('knows the NTP era that begins in 2036, and a sender without a clock', () => {
    const [in2040] = read(packet(200, 0, [7, NTP_1970 + 2_208_988_800 - 2 ** 32, 0, 1, 0, 0])) as unknown[][];
    expect(in2040![2]).to.equal(2_208_988_800_000);
    expect(read(packet(200, 0, [7, 0, 0, 1, 0, 0]))).to.deep.equal([['sender', 7, 0, 1]]);
  });

  it('reads the blocks of sender and receiver reports', () => {
    const sender = packet(200, 1, [7, NTP_1970, 0, 1, 0, 0, ...block(8, 64, 5, 33)]);
    const receiver = packet(201, 2, [9, ...block(1, 0, 0, 0), ...block(2, 128, -3, 2 ** 31)]);
    expect(read([...sender, ...receiver])).to.deep.equal([
      ['sender', 7, 0, 1],
      ['receiver', 8, 0.25, 5, 33],
      ['receiver', 1, 0, 0, 0],
      ['receiver', 2, 0.5, -3, 2 ** 31],
    ]);
  });

  it('reads which streams end, whatever the reason', () => {
    expect(read(packet(203, 2, [5, 6, 0x04627965]))).to.deep.equal([
      ['bye', 5],
      ['bye', 6],
    ]);
  });

  it('passes over what it does not know', () => {
    expect(read([...packet(202, 1, [1, 0]), ...packet(206, 15, []), ...packet(203, 1, [5])])).to.deep.equal([
      ['bye', 5],
    ]);
  });

  it('needs no visitor for what nobody wants to know', () => {
    const report = Uint8Array.from(packet(201, 1, [9, ...block(1, 0, 0, 0)]));
    expect(readRtcp(report, report.length, {})).to.equal(true);
  });

  it('allows padding at the end of the last packet only', () => {
    expect(read([...packet(201, 0, [9]), ...packet(203, 1, [5], 4)])).to.deep.equal([['bye', 5]]);
    expect(read([...packet(201, 0, [9], 4), ...packet(203, 1, [5])])).to.equal(false);
    // Padding that leaves less than the count promises.
    expect(read(packet(203, 2, [5], 4))).to.equal(false);
  });

  it('reads a packet that lies within a larger buffer', () => {
    const buffer = Uint8Array.from([1, 2, 3, ...packet(203, 1, [5]), 9]).subarray(3);
    const ended: number[] = [];
    expect(readRtcp(buffer, 8, { bye: (ssrc) => ended.push(ssrc) })).to.equal(true);
    expect(ended).to.deep.equal([5]);
  });

  it('refuses the whole of what is malformed anywhere', () => {
    const good = packet(203, 1, [5]);
    expect(read([])).to.equal(false);
    expect(read(good, 9)).to.equal(false);
    for (let length = 1; length < good.length; length++) expect(read(good.slice(0, length))).to.equal(false);
    expect(read([...good, 0x80]), 'a rest').to.equal(false);
    expect(read([...good, ...packet(203, 3, [5])]), 'more streams than there is room for').to.equal(false);
    expect(read([...good, ...packet(200, 0, [5])]), 'a sender report without figures').to.equal(false);
    expect(read([...good, ...packet(201, 1, [5, 6])]), 'a block that is cut off').to.equal(false);
    expect(read([...good, 0x40, 203, 0, 0]), 'another version').to.equal(false);
  });

  it('takes any bytes without throwing', () => {
    const type = fc.integer({ min: 192, max: 223 });
    const likely = fc
      .array(fc.tuple(type, fc.integer({ min: 0, max: 31 }), fc.array(fc.integer(), { maxLength: 14 })), {
        maxLength: 4,
      })
      .map((packets) => packets.flatMap(([kind, count, words]) => packet(kind, count, words)));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 120 }), likely), (bytes) => void read(bytes)),
      { numRuns: 2000 },
    );
  });
});
