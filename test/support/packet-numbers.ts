/** Numbers packets by what they are, not by when they come, so that what a path does to them is the same in every run. */
import { isRtcp, sequenceDistance } from '../../media/rtp/rtp.ts';
import type { PacketNumber } from './network-path.ts';

/** RTP may be sent again within about a second: 50 packets. */
const REMEMBERED = 1024;

/** Of one stream: SRTP leaves the header in clear, so its packets count by their sequence numbers. */
type Stream = { firstSequence: number; highest: number; copies: Uint8Array };

export class PacketNumbers {
  readonly #streams = new Map<number, Stream>();
  /** What is no RTP (ICE, DTLS, RTCP) counts downwards. */
  #others = 0;

  of(packet: Buffer): PacketNumber {
    if (!isRtp(packet)) {
      return { index: --this.#others, copy: 0 };
    }
    const sequence = packet.readUInt16BE(2);
    const stream = this.#streamOf(packet.readUInt32BE(8), sequence);
    const index = stream.highest + sequenceDistance(stream.firstSequence + stream.highest, sequence);
    for (; stream.highest < index; stream.highest++) stream.copies[(stream.highest + 1) % REMEMBERED] = 0;
    const slot = ((index % REMEMBERED) + REMEMBERED) % REMEMBERED;
    return { index: Math.max(0, index), copy: stream.copies[slot]!++ };
  }

  #streamOf(ssrc: number, sequence: number): Stream {
    const known = this.#streams.get(ssrc);
    if (known) return known;
    const stream = { firstSequence: sequence, highest: 0, copies: new Uint8Array(REMEMBERED) };
    this.#streams.set(ssrc, stream);
    return stream;
  }
}

/** Whether this is RTP, and not what else shares its port (RFC 7983). */
export function isRtp(packet: Buffer): boolean {
  return packet.length >= 12 && packet[0]! >> 6 === 2 && !isRtcp(packet);
}
