/** Opus packets as an Ogg stream, which every player opens (RFC 3533, RFC 7845). Pure. */

const OPUS_RATE_HZ = 48_000;
/** A page a second. Larger: more is lost with the process. */
const PACKETS_PER_PAGE = 50;
const MAX_SEGMENTS = 255;
const [BEGINS, ENDS] = [2, 4];

export class OggOpus {
  readonly #serial: number;
  #packets: Uint8Array[] = [];
  #segments = 0;
  #pages = 0;
  #samples = 0;

  /** @param serial tells this stream from others in a file: any number of 32 bits */
  constructor(serial: number) {
    this.#serial = serial;
  }

  /** What the file begins with. */
  head(): Buffer {
    const head = Buffer.alloc(19);
    head.write('OpusHead', 0, 'latin1');
    // Version, and one channel. Nothing is left out at the start, nor made louder.
    head.set([1, 1], 8);
    head.writeUInt32LE(OPUS_RATE_HZ, 12);
    const vendor = Buffer.from('parley');
    const tags = Buffer.alloc(16 + vendor.length);
    tags.write('OpusTags', 0, 'latin1');
    tags.writeUInt32LE(vendor.length, 8);
    vendor.copy(tags, 12);
    return Buffer.concat([this.#page([head], BEGINS), this.#page([tags], 0)]);
  }

  /** @param samples48k the packet's duration @returns pages that are complete with it */
  push(packet: Uint8Array, samples48k: number): Buffer {
    const full = this.#packets.length >= PACKETS_PER_PAGE || this.#segments + segmentsOf(packet) > MAX_SEGMENTS;
    const page = full ? this.#take(0) : Buffer.alloc(0);
    // What is given may be a view of a buffer that is used again.
    this.#packets.push(packet.slice());
    this.#segments += segmentsOf(packet);
    this.#samples += samples48k;
    return page;
  }

  /** What the file ends with. */
  end(): Buffer {
    return this.#take(ENDS);
  }

  #take(flags: number): Buffer {
    const page = this.#page(this.#packets, flags);
    this.#packets = [];
    this.#segments = 0;
    return page;
  }

  #page(packets: readonly Uint8Array[], flags: number): Buffer {
    const lacing = packets.flatMap(({ length }) => [
      ...Array<number>(Math.floor(length / 255)).fill(255),
      length % 255,
    ]);
    const head = Buffer.alloc(27);
    head.write('OggS', 0, 'latin1');
    head[5] = flags;
    head.writeBigUInt64LE(BigInt(this.#samples), 6);
    head.writeUInt32LE(this.#serial, 14);
    head.writeUInt32LE(this.#pages++, 18);
    head[26] = lacing.length;
    const page = Buffer.concat([head, Buffer.from(lacing), ...packets]);
    page.writeUInt32LE(checksum(page), 22);
    return page;
  }
}

function segmentsOf({ length }: Uint8Array): number {
  return Math.floor(length / 255) + 1;
}

/** CRC-32 of Ogg: the polynomial 04c11db7, neither reflected nor inverted. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  return crc >>> 0;
});

function checksum(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) crc = ((crc << 8) ^ TABLE[((crc >>> 24) ^ byte) & 0xff]!) >>> 0;
  return crc;
}
