/** RTCP compound packets (RFC 3550 §6) as bytes: what the other side says of the streams it sends and receives. */

export type RtcpVisitor = {
  /** The sender's clock: `rtpTimestamp` of its stream belongs to `ntpMs` (Unix time; 0 where it has no clock). */
  senderReport?: (ssrc: number, ntpMs: number, rtpTimestamp: number) => void;
  /**
   * What a receiver says of the stream `ssrc`. `fractionLost`: 0…1 since its last report; `cumulativeLost`: packets,
   * negative where duplicates outnumber losses; `jitter` in the stream's timestamp units.
   */
  receiverReport?: (ssrc: number, fractionLost: number, cumulativeLost: number, jitter: number) => void;
  /** The stream `ssrc` has ended. */
  bye?: (ssrc: number) => void;
};

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const BYE = 203;
/** First bytes of the two reports, up to their blocks: header and SSRC; then 20 bytes of the sender's own figures. */
const SENDER_REPORT_BYTES = 28;
const RECEIVER_REPORT_BYTES = 8;
const REPORT_BLOCK_BYTES = 24;

/** Seconds from 1900, where NTP begins, to 1970; and NTP's first era, which ends in 2036. */
const NTP_UNIX_OFFSET_S = 2_208_988_800;
const NTP_ERA_S = 2 ** 32;

/**
 * Reads the compound packet in the first `length` bytes of `buffer`. Packet types that are not named in the visitor are
 * passed over; reduced-size packets (RFC 5506) are welcome.
 * @returns false where any part is malformed; the visitor is told nothing then
 */
export function readRtcp(buffer: Uint8Array, length: number, visitor: RtcpVisitor): boolean {
  if (length > buffer.length || !isWellFormed(buffer, length)) return false;
  const view = new DataView(buffer.buffer, buffer.byteOffset, length);
  for (let offset = 0; offset < length; offset += packetBytes(buffer, offset)) {
    const count = buffer[offset]! & 0x1f;
    switch (buffer[offset + 1]!) {
      case SENDER_REPORT:
        visitor.senderReport?.(view.getUint32(offset + 4), readNtpMs(view, offset + 8), view.getUint32(offset + 16));
        visitBlocks(view, offset + SENDER_REPORT_BYTES, count, visitor);
        break;
      case RECEIVER_REPORT:
        visitBlocks(view, offset + RECEIVER_REPORT_BYTES, count, visitor);
        break;
      case BYE:
        for (let index = 0; index < count; index++) visitor.bye?.(view.getUint32(offset + 4 + index * 4));
    }
  }
  return true;
}

function isWellFormed(buffer: Uint8Array, length: number): boolean {
  let offset = 0;
  while (offset + 4 <= length) {
    const bytes = packetBytes(buffer, offset);
    const end = offset + bytes;
    if (buffer[offset]! >> 6 !== 2 || end > length) return false;
    let contentBytes = bytes;
    if ((buffer[offset]! & 0x20) !== 0) {
      // Padding belongs to the last packet alone and is counted by its last byte (RFC 3550 §6.4.1).
      const padding = buffer[end - 1]!;
      if (end !== length || padding === 0 || padding % 4 !== 0) return false;
      contentBytes -= padding;
    }
    if (contentBytes < leastBytes(buffer[offset + 1]!, buffer[offset]! & 0x1f)) return false;
    offset = end;
  }
  return offset === length && length > 0;
}

function leastBytes(type: number, count: number): number {
  switch (type) {
    case SENDER_REPORT:
      return SENDER_REPORT_BYTES + count * REPORT_BLOCK_BYTES;
    case RECEIVER_REPORT:
      return RECEIVER_REPORT_BYTES + count * REPORT_BLOCK_BYTES;
    case BYE:
      return 4 + count * 4;
    default:
      return 4;
  }
}

function packetBytes(buffer: Uint8Array, offset: number): number {
  return (((buffer[offset + 2]! << 8) | buffer[offset + 3]!) + 1) * 4;
}

function visitBlocks(view: DataView, offset: number, count: number, visitor: RtcpVisitor): void {
  if (!visitor.receiverReport) return;
  for (let block = offset; block < offset + count * REPORT_BLOCK_BYTES; block += REPORT_BLOCK_BYTES) {
    const fractionLost = view.getUint8(block + 4) / 256;
    // 24 bits with a sign.
    const cumulativeLost = (view.getInt32(block + 4) << 8) >> 8;
    visitor.receiverReport(view.getUint32(block), fractionLost, cumulativeLost, view.getUint32(block + 12));
  }
}

function readNtpMs(view: DataView, offset: number): number {
  const seconds = view.getUint32(offset);
  const fraction = view.getUint32(offset + 4);
  if (seconds === 0 && fraction === 0) return 0;
  const era = seconds < NTP_ERA_S / 2 ? NTP_ERA_S : 0;
  return (seconds + era - NTP_UNIX_OFFSET_S) * 1000 + (fraction / 2 ** 32) * 1000;
}
