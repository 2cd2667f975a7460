import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  isRtcp,
  parseRtp,
  RTP_HEADER_BYTES,
  RtpHeader,
  sequenceDistance,
  timestampDistance,
  writeRtpHeader,
} from '../../../media/rtp/rtp.ts';

const uint = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 });
const SILENT_RUN = { numRuns: 2000 };

type Extra = { csrcs?: number; profile?: number; extension?: number[]; padding?: number; payload?: number[] };

/** A packet with whatever a sender may put in, byte by byte. */
function packet({ csrcs = 0, profile, extension = [], padding = 0, payload = [1, 2, 3] }: Extra): Uint8Array {
  const bytes = [0x80 | csrcs | (profile ? 0x10 : 0) | (padding ? 0x20 : 0), 111, 0x12, 0x34];
  bytes.push(0xde, 0xad, 0xbe, 0xef, 0xca, 0xfe, 0xba, 0xbe, ...Array<number>(csrcs * 4).fill(9));
  if (profile) bytes.push(profile >> 8, profile & 255, 0, extension.length / 4, ...extension);
  bytes.push(...payload);
  if (padding) bytes.push(...Array<number>(padding - 1).fill(0), padding);
  return Uint8Array.from(bytes);
}

function parse(bytes: Uint8Array, length = bytes.length): RtpHeader | undefined {
  const header = new RtpHeader();
  return parseRtp(bytes, length, header) ? header : undefined;
}

const payloadOf = (bytes: Uint8Array, header: RtpHeader) => [
  ...bytes.subarray(header.payloadOffset, header.payloadEnd),
];

describe('RTP', () => {
  describe('parseRtp', () => {
    it('reads the fields of a plain packet', () => {
      const bytes = packet({});
      expect(parse(bytes)).to.include({
        payloadType: 111,
        marker: false,
        sequence: 0x1234,
        timestamp: 0xdeadbeef,
        ssrc: 0xcafebabe,
        payloadOffset: 12,
        payloadEnd: 15,
      });
    });

    it('finds the payload behind contributing sources and an extension, and before padding', () => {
      const bytes = packet({ csrcs: 3, profile: 0xbede, extension: [0x10, 5, 0, 0], padding: 4, payload: [7, 8] });
      const header = parse(bytes)!;
      expect(payloadOf(bytes, header)).to.deep.equal([7, 8]);
    });

    it('leaves nothing of the packet before in a header that is used again', () => {
      const header = new RtpHeader();
      parseRtp(packet({ csrcs: 15, profile: 0x1000, extension: [1, 1, 9, 0], padding: 8 }), 95, header);
      const plain = packet({});
      expect(parseRtp(plain, plain.length, header)).to.equal(true);
      expect(header).to.deep.equal(parse(plain));
    });

    it('takes a packet with no payload at all', () => {
      const header = parse(packet({ payload: [] }))!;
      expect(header.payloadEnd - header.payloadOffset).to.equal(0);
    });

    it('reads no further than the length it is given', () => {
      const bytes = packet({ payload: [1, 2, 3, 4] });
      expect(payloadOf(bytes, parse(bytes, 14)!)).to.deep.equal([1, 2]);
      expect(parse(bytes, 11)).to.equal(undefined);
      expect(parse(bytes, bytes.length + 1)).to.equal(undefined);
    });

    it('refuses another version', () => {
      for (const version of [0, 1, 3]) {
        const bytes = packet({});
        bytes[0] = (bytes[0]! & 0x3f) | (version << 6);
        expect(parse(bytes)).to.equal(undefined);
      }
    });

    it('refuses lengths that point beyond the packet', () => {
      const tooManySources = packet({});
      tooManySources[0]! |= 1;
      expect(parse(tooManySources)).to.equal(undefined);
      const longExtension = packet({ profile: 0xbede, extension: [0, 0, 0, 0], payload: [] });
      longExtension[15] = 2;
      expect(parse(longExtension)).to.equal(undefined);
      const cutExtension = packet({ profile: 0xbede, payload: [] });
      expect(parse(cutExtension, 14)).to.equal(undefined);
    });

    it('refuses padding of nothing, and padding that reaches into the header', () => {
      const bytes = packet({ padding: 1 });
      bytes[bytes.length - 1] = 0;
      expect(parse(bytes)).to.equal(undefined);
      bytes[bytes.length - 1] = 5;
      expect(parse(bytes)).to.equal(undefined);
      bytes[bytes.length - 1] = 4;
      expect(payloadOf(bytes, parse(bytes)!)).to.deep.equal([]);
    });

    it('takes any bytes without throwing, and never names bytes outside of them', () => {
      const first = fc.integer({ min: 0x80, max: 0xbf });
      const bytes = fc.oneof(
        fc.uint8Array({ maxLength: 100 }),
        fc.tuple(first, fc.uint8Array({ maxLength: 100 })).map(([byte, rest]) => Uint8Array.from([byte, ...rest])),
      );
      fc.assert(
        fc.property(bytes, (data) => {
          const header = parse(data);
          if (!header) return;
          expect(header.payloadOffset).to.be.within(RTP_HEADER_BYTES, header.payloadEnd);
          expect(header.payloadEnd).to.be.at.most(data.length);
        }),
        SILENT_RUN,
      );
    });
  });

  describe('writeRtpHeader', () => {
    it('writes what parseRtp reads', () => {
      fc.assert(
        fc.property(
          uint(7),
          fc.boolean(),
          uint(16),
          uint(32),
          uint(32),
          (payloadType, marker, sequence, timestamp, ssrc) => {
            const bytes = new Uint8Array(RTP_HEADER_BYTES + 2).fill(0xff);
            writeRtpHeader(bytes, payloadType, marker, sequence, timestamp, ssrc);
            const expected = { payloadType, marker, sequence, timestamp, ssrc, payloadOffset: 12, payloadEnd: 14 };
            expect(parse(bytes)).to.include(expected);
          },
        ),
      );
    });
  });

  describe('isRtcp', () => {
    it('tells sender reports from a voice with the marker set', () => {
      expect(isRtcp(Uint8Array.of(0x80, 200))).to.equal(true);
      expect(isRtcp(Uint8Array.of(0x80, 0x80 | 111))).to.equal(false);
    });

    it('takes the packet types of RFC 5761 and nothing else', () => {
      for (let type = 0; type < 256; type++) {
        expect(isRtcp(Uint8Array.of(0x80, type)), `type ${type}`).to.equal(type >= 192 && type <= 223);
      }
      expect(isRtcp(new Uint8Array(0))).to.equal(false);
      expect(isRtcp(Uint8Array.of(0x80))).to.equal(false);
      expect(isRtcp(Uint8Array.of(0x00, 200))).to.equal(false);
    });
  });

  describe('distances', () => {
    it('go on over the wrap, in both directions', () => {
      expect(sequenceDistance(65_535, 0)).to.equal(1);
      expect(sequenceDistance(2, 65_534)).to.equal(-4);
      expect(timestampDistance(0xffffffff, 959)).to.equal(960);
      expect(timestampDistance(0, 0xffffff00)).to.equal(-256);
    });

    it('undo an addition', () => {
      fc.assert(
        fc.property(uint(16), fc.integer({ min: -32_768, max: 32_767 }), (from, step) => {
          expect(sequenceDistance(from, (from + step) & 0xffff)).to.equal(step);
        }),
      );
      fc.assert(
        fc.property(uint(32), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (from, step) => {
          expect(timestampDistance(from, (from + step) >>> 0)).to.equal(step);
        }),
      );
    });
  });
});
