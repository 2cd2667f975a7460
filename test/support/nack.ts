/** Retransmission as a browser does it for Opus: generic NACKs (RFC 4585 §6.2.1), answered by the same packet once more. */
import { sequenceDistance } from '../../media/rtp/rtp.ts';

const FEEDBACK = 205;
const GENERIC_NACK = 1;
const HEADER_BYTES = 12;
/** A number, and a bit for each of the 16 after it. */
const MASK_BITS = 16;
/** About 5 s of packets. */
const KEPT = 256;
/** Chromium's round trip where it knows of none. */
const ASKED_AGAIN_MS = 100;
/** What is missing for so long is not played any more. */
const GIVEN_UP_MS = 1000;

/** Keeps what was sent, for whoever asks for it again. */
export class SentPackets {
  readonly #packets: (Buffer | undefined)[] = [];
  readonly #send: (packet: Buffer) => void;
  /** NACKs that came, packets that they asked for, and those of them that were sent again. */
  readonly statistics = { nacks: 0, asked: 0, sentAgain: 0 };

  constructor(send: (packet: Buffer) => void) {
    this.#send = send;
  }

  /** @param packet RTP; its bytes are copied */
  note(packet: Buffer): void {
    this.#packets[packet.readUInt16BE(2) % KEPT] = Buffer.from(packet);
  }

  /** Answers what RTCP asks for. */
  onRtcp(rtcp: Buffer): void {
    for (const sequences of readNacks(rtcp)) {
      this.statistics.nacks++;
      for (const sequence of sequences) {
        this.statistics.asked++;
        const packet = this.#packets[sequence % KEPT];
        if (packet?.readUInt16BE(2) !== sequence) continue;
        this.statistics.sentAgain++;
        this.#send(packet);
      }
    }
  }
}

/** Notices packets that are missing and asks for them, as Chromium does: at once, and again after a round trip. */
export class MissingPackets {
  readonly #ssrc: number;
  readonly #send: (rtcp: Buffer) => void;
  readonly #missing = new Map<number, { noticedMs: number; askedMs: number }>();
  #highest: number | undefined;
  /** `cameAgain`: packets that came after they had been asked for. */
  readonly statistics = { nacks: 0, asked: 0, cameAgain: 0 };

  constructor(ssrc: number, send: (rtcp: Buffer) => void) {
    this.#ssrc = ssrc;
    this.#send = send;
  }

  onRtp(packet: Buffer, nowMs: number): void {
    const sequence = packet.readUInt16BE(2);
    if (this.#missing.delete(sequence)) this.statistics.cameAgain++;
    const distance = this.#highest === undefined ? 1 : sequenceDistance(this.#highest, sequence);
    if (distance <= 0) return;
    for (let back = Math.min(distance - 1, KEPT); back > 0; back--) {
      this.#missing.set((sequence - back) & 0xffff, { noticedMs: nowMs, askedMs: -Infinity });
    }
    this.#highest = sequence;
    this.tick(nowMs);
  }

  /** Asks for what has not been asked for, or not of late. */
  tick(nowMs: number): void {
    const wanted: number[] = [];
    for (const [sequence, fate] of this.#missing) {
      if (nowMs - fate.noticedMs > GIVEN_UP_MS) this.#missing.delete(sequence);
      else if (nowMs - fate.askedMs >= ASKED_AGAIN_MS) {
        fate.askedMs = nowMs;
        wanted.push(sequence);
      }
    }
    if (wanted.length === 0) return;
    this.statistics.nacks++;
    this.statistics.asked += wanted.length;
    this.#send(writeNack(this.#ssrc, wanted));
  }
}

/** Each generic NACK in a compound packet, as the sequence numbers that it asks for. */
export function readNacks(rtcp: Buffer): number[][] {
  const nacks: number[][] = [];
  for (let offset = 0; offset + HEADER_BYTES <= rtcp.length;) {
    const end = offset + (rtcp.readUInt16BE(offset + 2) + 1) * 4;
    const isNack = rtcp[offset + 1] === FEEDBACK && (rtcp[offset]! & 0x1f) === GENERIC_NACK;
    if (isNack && end <= rtcp.length) nacks.push(readItems(rtcp, offset + HEADER_BYTES, end));
    offset = end;
  }
  return nacks;
}

/** @param sequences in order */
export function writeNack(ssrc: number, sequences: readonly number[]): Buffer {
  const items: { first: number; mask: number }[] = [];
  for (const sequence of sequences) {
    const last = items.at(-1);
    const distance = last ? sequenceDistance(last.first, sequence) : 0;
    if (last && distance > 0 && distance <= MASK_BITS) last.mask |= 1 << (distance - 1);
    else items.push({ first: sequence, mask: 0 });
  }
  const packet = Buffer.alloc(HEADER_BYTES + items.length * 4);
  packet[0] = 0x80 | GENERIC_NACK;
  packet[1] = FEEDBACK;
  packet.writeUInt16BE(packet.length / 4 - 1, 2);
  // Whoever only receives has no SSRC of its own; 1 is what browsers use.
  packet.writeUInt32BE(1, 4);
  packet.writeUInt32BE(ssrc, 8);
  for (const [index, { first, mask }] of items.entries()) {
    packet.writeUInt16BE(first, HEADER_BYTES + index * 4);
    packet.writeUInt16BE(mask, HEADER_BYTES + index * 4 + 2);
  }
  return packet;
}

function readItems(rtcp: Buffer, from: number, end: number): number[] {
  const sequences: number[] = [];
  for (let item = from; item < end; item += 4) {
    const first = rtcp.readUInt16BE(item);
    const mask = rtcp.readUInt16BE(item + 2);
    sequences.push(first);
    for (let bit = 0; bit < MASK_BITS; bit++) if (mask & (1 << bit)) sequences.push((first + bit + 1) & 0xffff);
  }
  return sequences;
}
