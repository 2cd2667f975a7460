/** RTP packets (RFC 3550 §5.1) as bytes: read without allocation, into a header that is used again and again. */

/** Bytes of a header without contributing sources and extension: what we send. */
export const RTP_HEADER_BYTES = 12;

/** Fields of the packet that was parsed last. Offsets are bytes from the packet's start. */
export class RtpHeader {
  payloadType = 0;
  marker = false;
  sequence = 0;
  timestamp = 0;
  ssrc = 0;
  payloadOffset = 0;
  /** First byte after the payload; padding is not part of it. */
  payloadEnd = 0;
}

/**
 * Reads the packet in the first `length` bytes of `buffer`.
 * @returns false for whatever is not valid RTP of version 2; `into` is of no meaning then.
 */
export function parseRtp(buffer: Uint8Array, length: number, into: RtpHeader): boolean {
  if (length > buffer.length || length < RTP_HEADER_BYTES || buffer[0]! >> 6 !== 2) return false;
  const first = buffer[0]!;
  into.marker = (buffer[1]! & 0x80) !== 0;
  into.payloadType = buffer[1]! & 0x7f;
  into.sequence = (buffer[2]! << 8) | buffer[3]!;
  into.timestamp = readUint32(buffer, 4);
  into.ssrc = readUint32(buffer, 8);
  into.payloadOffset = RTP_HEADER_BYTES + (first & 0x0f) * 4;
  into.payloadEnd = length;
  if ((first & 0x10) !== 0) {
    // The extension's length, in words, stands in the second half of its first word (RFC 3550 §5.3.1).
    const offset = into.payloadOffset;
    if (offset + 4 > length) return false;
    into.payloadOffset = offset + 4 + ((buffer[offset + 2]! << 8) | buffer[offset + 3]!) * 4;
  }
  if ((first & 0x20) !== 0) {
    const padding = buffer[length - 1]!;
    if (padding === 0) return false;
    into.payloadEnd = length - padding;
  }
  return into.payloadOffset <= into.payloadEnd;
}

/** Tells RTCP from RTP on a shared port: RTCP's packet types are 192…223 (RFC 5761 §4). */
export function isRtcp(buffer: Uint8Array): boolean {
  return buffer.length >= 2 && buffer[0]! >> 6 === 2 && buffer[1]! >= 192 && buffer[1]! <= 223;
}

/** Writes a header of 12 bytes at the start of `buffer`. */
export function writeRtpHeader(
  buffer: Uint8Array,
  payloadType: number,
  marker: boolean,
  sequence: number,
  timestamp: number,
  ssrc: number,
): void {
  buffer[0] = 0x80;
  buffer[1] = (marker ? 0x80 : 0) | (payloadType & 0x7f);
  buffer[2] = sequence >> 8;
  buffer[3] = sequence;
  writeUint32(buffer, 4, timestamp);
  writeUint32(buffer, 8, ssrc);
}

/** How far `to` lies after `from`, −32768…32767: sequence numbers start again after 65535. */
export function sequenceDistance(from: number, to: number): number {
  return ((to - from) << 16) >> 16;
}

/** How far `to` lies after `from`, −2³¹…2³¹ − 1: timestamps start again after 2³² − 1. */
export function timestampDistance(from: number, to: number): number {
  return (to - from) | 0;
}

function readUint32(buffer: Uint8Array, offset: number): number {
  return (
    ((buffer[offset]! << 24) | (buffer[offset + 1]! << 16) | (buffer[offset + 2]! << 8) | buffer[offset + 3]!) >>> 0
  );
}

function writeUint32(buffer: Uint8Array, offset: number, value: number): void {
  buffer[offset] = value >>> 24;
  buffer[offset + 1] = value >>> 16;
  buffer[offset + 2] = value >>> 8;
  buffer[offset + 3] = value;
}
