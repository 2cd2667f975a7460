/** RTP packets (RFC 3550 §5.1), read and written without allocating. */

const FIXED_HEADER_BYTES = 12;
const VERSION_BITS = 0x80;

/** The header of one packet. Reused for every packet: copy what has to last. */
export class RtpHeader {
  payloadType = 0;
  marker = false;
  sequence = 0;
  timestamp = 0;
  ssrc = 0;
  /** The payload lies from here … */
  payloadOffset = 0;
  /** … to here, padding left out. */
  payloadEnd = 0;
}

/** RTCP and RTP share a port; packet types 192…223 are RTCP (RFC 5761 §4). */
export function isRtcp(packet: Uint8Array): boolean {
  const type = packet[1] ?? 0;
  return type >= 192 && type <= 223;
}

/** Reads a header into `into`. False for whatever is not RTP version 2, or contradicts its own lengths. */
export function parseRtp(packet: Uint8Array, length: number, into: RtpHeader): boolean {
  if (length < FIXED_HEADER_BYTES || (packet[0]! & 0xc0) !== VERSION_BITS) return false;
  const first = packet[0]!;
  let offset = FIXED_HEADER_BYTES + (first & 0x0f) * 4;
  if ((first & 0x10) !== 0) {
    if (offset + 4 > length) return false;
    offset += 4 + read16(packet, offset + 2) * 4;
  }
  const padding = (first & 0x20) !== 0 ? packet[length - 1]! : 0;
  const paddingIsValid = (first & 0x20) === 0 || padding > 0;
  if (!paddingIsValid || offset + padding > length) return false;
  into.payloadType = packet[1]! & 0x7f;
  into.marker = (packet[1]! & 0x80) !== 0;
  into.sequence = read16(packet, 2);
  into.timestamp = read32(packet, 4);
  into.ssrc = read32(packet, 8);
  into.payloadOffset = offset;
  into.payloadEnd = length - padding;
  return true;
}

/** Writes a header of 12 bytes: no CSRC, no extension, no padding. */
export function writeRtpHeader(
  packet: Uint8Array,
  payloadType: number,
  marker: boolean,
  sequence: number,
  timestamp: number,
  ssrc: number,
): void {
  packet[0] = VERSION_BITS;
  packet[1] = (payloadType & 0x7f) | (marker ? 0x80 : 0);
  packet[2] = sequence >>> 8;
  packet[3] = sequence;
  write32(packet, 4, timestamp);
  write32(packet, 8, ssrc);
}

/** How far `to` lies after `from`, −32768…32767: sequence numbers wrap at 16 bits. */
export function sequenceDistance(from: number, to: number): number {
  return ((to - from) << 16) >> 16;
}

/** How far `to` lies after `from`, in clock units: timestamps wrap at 32 bits. */
export function timestampDistance(from: number, to: number): number {
  return (to - from) | 0;
}

function read16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function read32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function write32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
