/**
 * Puts a caller's packets in order: pure. A packet in order passes at once and is not kept. Behind a gap packets wait for
 * the missing one, no longer than `targetMs`; then it is given up. The sequence tells loss, a jump of the timestamp
 * without one tells DTX (RFC 7587 §3.1.3).
 */
import { opusSamples48k } from './opus-packet.ts';
import { sequenceDistance, timestampDistance } from './rtp.ts';

export type JitterBufferOptions = {
  /** Longest wait for a missing packet, in ms. Default 60: most retransmissions are back by then. */
  targetMs?: number;
};

/** Told of everything in order. Samples are those of the RTP clock, 48 kHz. */
export type JitterSink = {
  packet: (payload: Uint8Array, rtpTimestamp: number, samples48k: number) => void;
  /** Audio is missing and to be made up. */
  lost: (samples48k: number, rtpTimestamp: number) => void;
  /** The sender was silent, or so much is missing that nothing can be made up. */
  gap: (samples48k: number) => void;
  /** The sender began anew: nothing before has to do with what follows. */
  restart: () => void;
};

type Held = { sequence: number; timestamp: number; payload: Uint8Array; samples48k: number; arrivedMs: number };

const DEFAULT_TARGET_MS = 60;
/** RFC 3550 A.1: a jump forward of more than a minute of packets, or back of more than 100, is another sender … */
const MAX_DROPOUT = 3000;
const MAX_MISORDER = 100;
/** … and so is a run of packets that are all too late, one following the other. */
const STALE_RUN = 10;
/** Packets held behind a gap: more than any wait needs at 50 packets a second. */
const MAX_HELD = 64;
/** Longest concealment in a row, 120 ms: beyond that a decoder makes up noise. */
const MAX_CONCEALED_48K = 5760;
/** A timestamp that jumps further than a minute says nothing about time. */
const MAX_GAP_48K = 60 * 48_000;

export class JitterBuffer {
  readonly #targetMs: number;
  readonly #sink: JitterSink;
  #held: Held[] = [];
  #started = false;
  #nextSequence = 0;
  #nextTimestamp = 0;
  #frame48k = 960;
  #probation = -1;
  #stale = { sequence: -1, run: 0 };
  readonly statistics = {
    received: 0,
    invalid: 0,
    duplicates: 0,
    late: 0,
    lost: 0,
    reordered: 0,
    restarts: 0,
    concealed48k: 0,
  };

  constructor(options: JitterBufferOptions, sink: JitterSink) {
    this.#targetMs = options.targetMs ?? DEFAULT_TARGET_MS;
    this.#sink = sink;
  }

  /** When a gap is given up; Infinity while nothing waits. */
  get nextDeadlineMs(): number {
    const first = this.#held[0];
    return first ? this.#oldestArrivalMs() + this.#targetMs : Infinity;
  }

  push(sequence: number, timestamp: number, payload: Uint8Array, nowMs: number): void {
    this.statistics.received++;
    const samples48k = opusSamples48k(payload);
    if (samples48k === 0) {
      this.statistics.invalid++;
      return;
    }
    if (!this.#started) this.#begin(sequence, timestamp);
    const distance = sequenceDistance(this.#nextSequence, sequence);
    if (distance === 0) {
      this.#stale.run = 0;
      this.#deliver(sequence, timestamp, payload, samples48k);
      if (this.#held.length > 0) this.#drain();
    } else if (distance > MAX_DROPOUT || distance < -MAX_MISORDER)
      this.#probe(sequence, timestamp, payload, samples48k);
    else if (distance < 0) this.#stalePacket(sequence, timestamp, payload, samples48k);
    else this.#hold({ sequence, timestamp, payload, samples48k, arrivedMs: nowMs });
  }

  /** Gives up gaps that have been waited for long enough. */
  poll(nowMs: number): void {
    while (this.nextDeadlineMs <= nowMs) this.#giveUp();
  }

  /** Forgets the sender; statistics stay. */
  reset(): void {
    this.#held = [];
    this.#started = false;
    this.#probation = -1;
    this.#stale.run = 0;
  }

  #begin(sequence: number, timestamp: number): void {
    this.#started = true;
    this.#nextSequence = sequence;
    this.#nextTimestamp = timestamp;
  }

  #restartAt(sequence: number, timestamp: number, payload: Uint8Array, samples48k: number): void {
    this.statistics.restarts++;
    this.reset();
    this.#sink.restart();
    this.#begin(sequence, timestamp);
    this.#deliver(sequence, timestamp, payload, samples48k);
  }

  /** A packet from far away counts when the one after it comes too. */
  #probe(sequence: number, timestamp: number, payload: Uint8Array, samples48k: number): void {
    if (sequence === this.#probation) this.#restartAt(sequence, timestamp, payload, samples48k);
    else this.#probation = (sequence + 1) & 0xffff;
  }

  #stalePacket(sequence: number, timestamp: number, payload: Uint8Array, samples48k: number): void {
    const follows = sequence === ((this.#stale.sequence + 1) & 0xffff);
    this.#stale.run = follows ? this.#stale.run + 1 : 1;
    const repeats = sequence === this.#stale.sequence || sequenceDistance(sequence, this.#nextSequence) === 1;
    this.#stale.sequence = sequence;
    if (this.#stale.run >= STALE_RUN) this.#restartAt(sequence, timestamp, payload, samples48k);
    else if (repeats) this.statistics.duplicates++;
    else this.statistics.late++;
  }

  #hold(packet: Held): void {
    const at = this.#held.findIndex(({ sequence }) => sequenceDistance(packet.sequence, sequence) >= 0);
    if (at >= 0 && this.#held[at]!.sequence === packet.sequence) {
      this.statistics.duplicates++;
      return;
    }
    if (at >= 0) this.statistics.reordered++;
    this.#held.splice(at < 0 ? this.#held.length : at, 0, packet);
    if (this.#held.length > MAX_HELD) this.#giveUp();
  }

  #drain(): void {
    for (let next = this.#held[0]; next && next.sequence === this.#nextSequence; next = this.#held[0]) {
      this.#held.shift();
      this.#deliver(next.sequence, next.timestamp, next.payload, next.samples48k);
    }
  }

  /** The packets missing before the first held one are lost. */
  #giveUp(): void {
    const first = this.#held[0]!;
    const missing = sequenceDistance(this.#nextSequence, first.sequence);
    const missing48k = timestampDistance(this.#nextTimestamp, first.timestamp);
    this.statistics.lost += missing;
    if (missing48k > 0 && missing48k <= MAX_GAP_48K) {
      const concealed = Math.min(missing48k, missing * this.#frame48k, MAX_CONCEALED_48K);
      this.statistics.concealed48k += concealed;
      this.#sink.lost(concealed, this.#nextTimestamp);
      if (missing48k > concealed) this.#sink.gap(missing48k - concealed);
      this.#nextTimestamp = first.timestamp;
    }
    this.#nextSequence = first.sequence;
    this.#drain();
  }

  #deliver(sequence: number, timestamp: number, payload: Uint8Array, samples48k: number): void {
    const jump = timestampDistance(this.#nextTimestamp, timestamp);
    if (jump !== 0) this.#jumped(jump);
    this.#nextSequence = (sequence + 1) & 0xffff;
    this.#nextTimestamp = (timestamp + samples48k) >>> 0;
    this.#frame48k = samples48k;
    this.#probation = -1;
    this.#sink.packet(payload, timestamp, samples48k);
  }

  #jumped(jump: number): void {
    if (jump > 0 && jump <= MAX_GAP_48K) this.#sink.gap(jump);
    // A sender whose packets overlap a little is odd, not new.
    else if (jump > MAX_GAP_48K || jump < -MAX_CONCEALED_48K) this.#sink.restart();
  }

  #oldestArrivalMs(): number {
    let oldest = Infinity;
    for (const { arrivedMs } of this.#held) if (arrivedMs < oldest) oldest = arrivedMs;
    return oldest;
  }
}
