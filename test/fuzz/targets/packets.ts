/** Several packets in one input, as they would arrive one after another. */
import * as fc from 'fast-check';
import { RTP_HEADER_BYTES, writeRtpHeader } from '../../../media/rtp/rtp.ts';

export type TimedPacket = { afterMs: number; packet: Buffer };

/** Longer ones are cut in pieces: no datagram of the link is longer. */
const MAX_PACKETS = 64;

/** Each packet is preceded by the ms since the one before, and by its length in two bytes. What is left over is one, too. */
export function splitPackets(input: Buffer): TimedPacket[] {
  const packets: TimedPacket[] = [];
  for (let at = 0; at + 3 < input.length && packets.length < MAX_PACKETS;) {
    const end = Math.min(input.length, at + 3 + input.readUInt16BE(at + 1));
    packets.push({ afterMs: input[at]!, packet: Buffer.from(input.subarray(at + 3, end)) });
    at = end;
  }
  return packets;
}

export function joinPackets(packets: readonly TimedPacket[]): Buffer {
  return Buffer.concat(
    packets.flatMap(({ afterMs, packet }) => [Buffer.of(afterMs, packet.length >> 8, packet.length & 0xff), packet]),
  );
}

/** Opus: any table of contents, with a frame count that may fit, and any bytes behind it. */
export const opusPayload = fc
  .tuple(fc.nat(31), fc.nat(7), fc.uint8Array({ maxLength: 60 }))
  .map(([configuration, low, rest]) => Buffer.from([(configuration << 3) | low, ...rest]));

/** RTP of one stream: mostly in order, of 20 ms each. */
export const rtpPackets = fc
  .array(
    fc.record({
      afterMs: fc.constantFrom(0, 5, 20, 20, 20, 61, 255),
      step: fc.oneof(fc.constantFrom(1, 1, 1, 2, 0, -1), fc.nat(0xffff)),
      ticks: fc.oneof(fc.constantFrom(960, 960, 960, 0, 1920, -960, 48_000 * 61), fc.nat()),
      ssrc: fc.constantFrom(1, 1, 1, 2),
      extension: fc.constantFrom(0, 0, 0, 0x10, 0x20, 0x30, 0x0f),
      payload: opusPayload,
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((steps) => {
    let sequence = 65_500;
    let timestamp = 0xfffff000;
    return joinPackets(
      steps.map(({ afterMs, step, ticks, ssrc, extension, payload }) => {
        sequence = (sequence + step) & 0xffff;
        timestamp = (timestamp + ticks) >>> 0;
        const packet = Buffer.concat([Buffer.alloc(RTP_HEADER_BYTES), payload]);
        writeRtpHeader(packet, 111, false, sequence, timestamp, ssrc);
        packet[0]! |= extension;
        return { afterMs, packet };
      }),
    );
  });
