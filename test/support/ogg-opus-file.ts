/** Reads an Ogg Opus file strictly, as RFC 3533 and RFC 7845 have it. */
import { opusSamples48k } from '../../media/audio/opus-packet.ts';

export type OpusFile = {
  packets: Buffer[];
  durationMs: number;
  /** The last page says that it is the last. */
  ended: boolean;
};

/** @throws where the file is not as it should be */
export function readOpusFile(file: Buffer): OpusFile {
  const pages = [...pagesOf(file)];
  const [head, tags, ...audio] = pages;
  if (head?.flags !== 2 || head.packets[0]?.toString('latin1', 0, 8) !== 'OpusHead') throw new Error('no head');
  if (tags?.packets[0]?.toString('latin1', 0, 8) !== 'OpusTags') throw new Error('no tags');
  if (new Set(pages.map(({ serial }) => serial)).size !== 1) throw new Error('more than one stream');
  pages.forEach(({ number }, index) => {
    if (number !== index) throw new Error(`page ${number} at ${index}`);
  });
  let samples = 0;
  for (const { packets, position } of audio) {
    samples += packets.reduce((all, packet) => all + opusSamples48k(packet), 0);
    if (position !== samples) throw new Error(`${position} instead of ${samples}`);
  }
  return {
    packets: audio.flatMap(({ packets }) => packets),
    durationMs: samples / 48,
    ended: pages.at(-1)!.flags === 4,
  };
}

function* pagesOf(file: Buffer) {
  for (let at = 0; at < file.length;) {
    if (file.toString('latin1', at, at + 4) !== 'OggS') throw new Error(`no page at ${at}`);
    const segments = file.subarray(at + 27, at + 27 + file[at + 26]!);
    const length = 27 + segments.length + segments.reduce((all, size) => all + size, 0);
    const page = Buffer.from(file.subarray(at, at + length));
    const told = page.readUInt32LE(22);
    page.fill(0, 22, 26);
    if (checksum(page) !== told) throw new Error(`a checksum is wrong at ${at}`);
    yield {
      flags: page[5]!,
      position: Number(page.readBigInt64LE(6)),
      serial: page.readUInt32LE(14),
      number: page.readUInt32LE(18),
      packets: packetsOf(segments, page.subarray(27 + segments.length)),
    };
    at += length;
  }
}

function packetsOf(segments: Buffer, body: Buffer): Buffer[] {
  const packets: Buffer[] = [];
  let [from, length] = [0, 0];
  for (const size of segments) {
    length += size;
    if (size === 255) continue;
    packets.push(body.subarray(from, from + length));
    from += length;
    length = 0;
  }
  return packets;
}

/** Bit by bit. */
function checksum(bytes: Buffer): number {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte) << 24n;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 0x80000000n ? ((crc << 1n) ^ 0x04c11db7n) & 0xffffffffn : (crc << 1n) & 0xffffffffn;
    }
  }
  return Number(crc);
}
