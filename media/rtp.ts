/** RTP packets (RFC 3550 §5.1) as bytes: read without allocation, into a header that is used again and again. */

/** Bytes of a header without contributing sources and extension: what we send. */
export const RTP_HEADER_BYTES = 12;

/** RFC 8285: profile of extensions with one-byte headers; those with two bytes have 0x1000…0x100f. */
const ONE_BYTE_PROFILE = 0xbede;
const TWO_BYTE_PROFILE = 0x1000;

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
  /** RFC 8285 profile of the extension block; 0 where there is none. */
  extensionProfile = 0;
  extensionOffset = 0;
  /** Bytes of the extension block, without its own four. */
  extensionLength = 0;
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
  into.extensionProfile = 0;
  into.extensionOffset = 0;
  into.extensionLength = 0;
  if ((first & 0x10) !== 0 && !parseExtension(buffer, length, into)) return false;
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

/**
 * The audio level that the sender put into the packet (RFC 6464).
 * @param extensionId the id that was negotiated for `urn:ietf:params:rtp-hdrext:ssrc-audio-level`
 * @returns 0 (loudest) … 127 (silence) in −dBov; undefined where the packet carries none
 */
export function readAudioLevel(buffer: Uint8Array, header: RtpHeader, extensionId: number): number | undefined {
  const offset = findExtension(buffer, header, extensionId);
  return offset === 0 ? undefined : buffer[offset]! & 0x7f;
}

function parseExtension(buffer: Uint8Array, length: number, into: RtpHeader): boolean {
  const offset = into.payloadOffset;
  if (offset + 4 > length) return false;
  into.extensionProfile = (buffer[offset]! << 8) | buffer[offset + 1]!;
  into.extensionLength = ((buffer[offset + 2]! << 8) | buffer[offset + 3]!) * 4;
  into.extensionOffset = offset + 4;
  into.payloadOffset = into.extensionOffset + into.extensionLength;
  return into.payloadOffset <= length;
}

/** @returns where the element's data begins; 0 where there is none, or none that has any data */
function findExtension(buffer: Uint8Array, header: RtpHeader, id: number): number {
  const oneByte = header.extensionProfile === ONE_BYTE_PROFILE;
  if (!oneByte && (header.extensionProfile & 0xfff0) !== TWO_BYTE_PROFILE) return 0;
  const end = header.extensionOffset + header.extensionLength;
  let offset = header.extensionOffset;
  while (offset < end) {
    const first = buffer[offset]!;
    // A zero byte is padding between elements.
    if (first === 0) {
      offset++;
      continue;
    }
    const elementId = oneByte ? first >> 4 : first;
    // RFC 8285 §4.2: after id 15 nothing more may be read.
    if ((oneByte && elementId === 15) || (!oneByte && offset + 1 >= end)) return 0;
    const dataBytes = oneByte ? (first & 0x0f) + 1 : buffer[offset + 1]!;
    const dataOffset = offset + (oneByte ? 1 : 2);
    if (dataOffset + dataBytes > end) return 0;
    if (elementId === id) return dataBytes > 0 ? dataOffset : 0;
    offset = dataOffset + dataBytes;
  }
  return 0;
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
