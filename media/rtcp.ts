/** RTCP (RFC 3550 §6), as far as the plain path between media worker and voice worker uses it. */

export type RtcpVisitor = {
  /** What the sender's clock read at an RTP time. `ntpMs`: milliseconds since 1900. */
  senderReport?: (ssrc: number, ntpMs: number, rtpTimestamp: number) => void;
  /** What the other side received of the stream `ssrc`. `fractionLost` of 1; `jitter` in clock units. */
  receiverReport?: (ssrc: number, fractionLost: number, cumulativeLost: number, jitter: number) => void;
  /** The stream `ssrc` has ended. */
  bye?: (ssrc: number) => void;
};

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const BYE = 203;
const REPORT_BLOCK_BYTES = 24;

/** Reads a compound packet. False at the first part that contradicts its lengths; what came before has been visited. */
export function readRtcp(packet: Uint8Array, length: number, visitor: RtcpVisitor): boolean {
  const view = new DataView(packet.buffer, packet.byteOffset, length);
  let offset = 0;
  while (offset < length) {
    if (offset + 4 > length || (view.getUint8(offset) & 0xc0) !== 0x80) return false;
    const end = offset + 4 + view.getUint16(offset + 2) * 4;
    if (end > length || !readPart(view, offset, end, visitor)) return false;
    offset = end;
  }
  return length > 0;
}

function readPart(view: DataView, offset: number, end: number, visitor: RtcpVisitor): boolean {
  const count = view.getUint8(offset) & 0x1f;
  switch (view.getUint8(offset + 1)) {
    case SENDER_REPORT:
      if (offset + 28 + count * REPORT_BLOCK_BYTES > end) return false;
      visitor.senderReport?.(view.getUint32(offset + 4), ntpMs(view, offset + 8), view.getUint32(offset + 16));
      readBlocks(view, offset + 28, count, visitor);
      return true;
    case RECEIVER_REPORT:
      if (offset + 8 + count * REPORT_BLOCK_BYTES > end) return false;
      readBlocks(view, offset + 8, count, visitor);
      return true;
    case BYE:
      if (offset + 4 + count * 4 > end) return false;
      for (let index = 0; index < count; index++) visitor.bye?.(view.getUint32(offset + 4 + index * 4));
      return true;
    default:
      return true;
  }
}

function readBlocks(view: DataView, offset: number, count: number, visitor: RtcpVisitor): void {
  for (let at = offset; at < offset + count * REPORT_BLOCK_BYTES; at += REPORT_BLOCK_BYTES) {
    const lost = view.getUint32(at + 4);
    visitor.receiverReport?.(view.getUint32(at), (lost >>> 24) / 256, (lost << 8) >> 8, view.getUint32(at + 12));
  }
}

function ntpMs(view: DataView, at: number): number {
  return view.getUint32(at) * 1000 + (view.getUint32(at + 4) / 0x1_0000_0000) * 1000;
}
