/** What one caller got of the agent's packets: what is missing, late, in the wrong order, or another call's. Pure. */
import { RtpHeader, parseRtp, sequenceDistance, timestampDistance } from '../../media/rtp/rtp.ts';

/** Packets since the start. */
export type ReceivedCounts = {
  packets: number;
  /** Those that carry sound. */
  voice: number;
  /** Sequence numbers that never came. */
  lost: number;
  outOfOrder: number;
  duplicates: number;
  /** Of another call: with an SSRC that is not this call's, or with a timestamp that no packet of it can have. */
  wrongCall: number;
  malformed: number;
  /** Came this much later than the soonest packet of the call would have. */
  late5Ms: number;
  late20Ms: number;
};

export type ReceivedCount = keyof ReceivedCounts;

const SAMPLES_PER_MS = 48;
/** A frame of digital silence has 3 bytes; speech, down to the pause before a consonant, has more than this. */
const SILENCE_BYTES = 8;
/** Timestamps further from the call's line than this are another stream's: no call is that late, none that soon. */
const STRANGE_MS = 5000;
/** As many packets in a row from there are a line of their own: a worker was replaced. */
const NEW_LINE_PACKETS = 3;
/** Packets that may still come after one that came later. */
const HISTORY = 256;

export function noCounts(): ReceivedCounts {
  const counts = { packets: 0, voice: 0, lost: 0, outOfOrder: 0, duplicates: 0, wrongCall: 0, malformed: 0 };
  return { ...counts, late5Ms: 0, late20Ms: 0 };
}

export class ReceivedPackets {
  readonly counts = noCounts();
  readonly #ssrc: number;
  readonly #onLateness: (ms: number, voice: boolean) => void;
  readonly #header = new RtpHeader();
  readonly #seen = new Uint8Array(HISTORY);
  #highest = -1;
  /** A timestamp and the time at which a packet with it would arrive at the soonest. */
  #baseTimestamp = 0;
  #baseMs = NaN;
  #strangers = 0;
  /** When the first packet, and the first of voice, came. */
  firstMs: number | undefined;
  firstVoiceMs: number | undefined;
  lastVoiceMs: number | undefined;

  /** @param onLateness told of each packet that came in order how much later it came than the soonest would have */
  constructor(ssrc: number, onLateness: (ms: number, voice: boolean) => void) {
    this.#ssrc = ssrc;
    this.#onLateness = onLateness;
  }

  /** The SSRC stays, whatever follows has another sequence and other timestamps: other transports. */
  restart(): void {
    this.#highest = -1;
    this.#baseMs = NaN;
    this.#strangers = 0;
  }

  note(packet: Uint8Array, atMs: number): void {
    const header = this.#header;
    if (!parseRtp(packet, packet.length, header)) {
      this.counts.malformed++;
      return;
    }
    if (header.ssrc !== this.#ssrc || this.#isStrange(header.timestamp, atMs)) {
      this.counts.wrongCall++;
      return;
    }
    this.counts.packets++;
    const voice = header.payloadEnd - header.payloadOffset > SILENCE_BYTES;
    this.firstMs ??= atMs;
    if (voice) {
      this.counts.voice++;
      this.firstVoiceMs ??= atMs;
      this.lastVoiceMs = atMs;
    }
    if (this.#order(header.sequence)) this.#time(header.timestamp, atMs, voice);
  }

  /** @returns whether it is the latest so far */
  #order(sequence: number): boolean {
    const { counts } = this;
    if (this.#highest < 0) return this.#newest(sequence, 1);
    const distance = sequenceDistance(this.#highest, sequence);
    if (distance > 0) {
      counts.lost += distance - 1;
      return this.#newest(sequence, distance);
    }
    if (distance <= -HISTORY || this.#seen[sequence % HISTORY] === 1) {
      counts.duplicates++;
      return false;
    }
    this.#seen[sequence % HISTORY] = 1;
    counts.outOfOrder++;
    counts.lost--;
    return false;
  }

  #newest(sequence: number, distance: number): true {
    for (let missing = 1; missing < Math.min(distance, HISTORY); missing++)
      this.#seen[(sequence - missing + 0x10000) % HISTORY] = 0;
    this.#seen[sequence % HISTORY] = 1;
    this.#highest = sequence;
    return true;
  }

  #time(timestamp: number, atMs: number, voice: boolean): void {
    const lateMs = Number.isNaN(this.#baseMs) ? 0 : atMs - this.#expectedMs(timestamp);
    if (Number.isNaN(this.#baseMs) || lateMs < 0) {
      this.#baseTimestamp = timestamp;
      this.#baseMs = atMs;
    }
    const ms = Math.max(0, lateMs);
    if (ms > 5) this.counts.late5Ms++;
    if (ms > 20) this.counts.late20Ms++;
    this.#onLateness(ms, voice);
  }

  #expectedMs(timestamp: number): number {
    return this.#baseMs + timestampDistance(this.#baseTimestamp, timestamp) / SAMPLES_PER_MS;
  }

  #isStrange(timestamp: number, atMs: number): boolean {
    if (Number.isNaN(this.#baseMs) || Math.abs(atMs - this.#expectedMs(timestamp)) < STRANGE_MS) {
      this.#strangers = 0;
      return false;
    }
    if (++this.#strangers < NEW_LINE_PACKETS) return true;
    this.restart();
    return false;
  }
}
