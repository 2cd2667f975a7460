/**
 * Puts the RTP packets of one Opus stream in order. Packets in order pass at once, uncopied; only behind a gap do they
 * wait, and only for as long as that pays (`gap-patience.ts`). Loss shows in the sequence numbers; silence that was not sent (DTX) shows in
 * timestamps that jump while the sequence numbers do not. Pure: times come in, and `nextDeadlineMs` says when to poll.
 */
import { GapPatience } from './gap-patience.ts';
import { noJitterStatistics } from './jitter-statistics.ts';
import { opusSamples48k } from '../audio/opus-packet.ts';
import { sequenceDistance, timestampDistance } from './rtp.ts';

export type JitterBufferOptions = {
  /**
   * How long the packets behind a gap wait for what is missing, in ms. Default: from 20 to 120, by what has come so far.
   * Larger: more is mended, and loss delays the caller's words by more.
   */
  targetMs?: number;
  /** Longest stretch that is concealed, in ms; what is lost beyond it becomes a gap. Default 120. */
  maximumConcealmentMs?: number;
};

export type JitterBufferSink = {
  /** The next packet, with its duration in samples at 48 kHz. The payload is the one that was pushed. */
  packet(payload: Uint8Array, rtpTimestamp: number, samples48k: number): void;
  /** Audio that was sent and did not come, beginning at `rtpTimestamp`. */
  lost(samples48k: number, rtpTimestamp: number): void;
  /** Time for which nothing was sent, or too much was lost. At most 60 s. */
  gap(samples48k: number): void;
  /** What follows has nothing to do with the timestamps before. */
  restart(): void;
};

/** Packets that may wait, a power of two: more than 1 s of 20 ms packets, far above the longest wait. */
const CAPACITY = 64;
/** RFC 3550 A.1: jumps of the sequence beyond these are another sender's, or the same one's after a restart. */
const MAX_DROPOUT = 3000;
const MAX_MISORDER = 100;
/** Sequence numbers whose fate is remembered, a power of two of at least MAX_MISORDER: late is told from duplicate. */
const HISTORY = 128;
/** A jump of the timestamp by more is no silence but a new beginning: 60 s. */
const MAX_GAP_SAMPLES_48K = 60 * 48_000;
const SAMPLES_48K_PER_MS = 48;

type Slot = { payload: Uint8Array | undefined; rtpTimestamp: number; arrivalMs: number };

export class JitterBuffer {
  readonly #targetMs: number | undefined;
  readonly #patience = new GapPatience();
  readonly #maximumConcealed: number;
  readonly #sink: JitterBufferSink;
  readonly #slots: Slot[] = Array.from({ length: CAPACITY }, emptySlot);
  readonly #delivered = new Uint8Array(HISTORY);
  /** When packets that did not come in their order were missed, by sequence number. */
  readonly #missedMs = new Float64Array(HISTORY);
  /** The first of two packets in a row that would make a new beginning, and where it belongs. */
  readonly #candidate = emptySlot();
  #candidateSequence = 0;
  #started = false;
  #nextSequence = 0;
  #highestSequence = 0;
  #nextTimestamp = 0;
  #timestampKnown = false;
  /** Length of the last packet delivered: the lost ones after it are taken to be as long. */
  #lastSamples = 0;
  /** Packets given up since the last one that was delivered. */
  #missing = 0;
  #held = 0;
  #heldSinceMs = 0;
  #deadlineMs = Infinity;
  readonly statistics = noJitterStatistics();

  constructor(options: JitterBufferOptions, sink: JitterBufferSink) {
    this.#targetMs = options.targetMs;
    this.#maximumConcealed = (options.maximumConcealmentMs ?? 120) * SAMPLES_48K_PER_MS;
    this.#sink = sink;
  }

  /** When `poll` has a gap to give up; ∞ while nothing waits. */
  get nextDeadlineMs(): number {
    return this.#deadlineMs;
  }

  /** How long packets behind a gap wait at present, in ms. */
  get targetMs(): number {
    return this.#targetMs ?? this.#patience.targetMs;
  }

  /** Mean deviation of the packets' time under way, in ms (RFC 3550 §6.4.1). */
  get jitterMs(): number {
    return this.#patience.jitterMs;
  }

  /** Packets that wait behind a gap; at most 63. */
  get heldPackets(): number {
    return this.#held;
  }

  /** Takes a packet. Its payload must stay as it is: it may be held, and is handed on uncopied. */
  push(sequence: number, rtpTimestamp: number, payload: Uint8Array, nowMs: number): void {
    this.statistics.received++;
    if (!this.#started) this.#start(sequence);
    const distance = sequenceDistance(this.#nextSequence, sequence);
    if (distance >= MAX_DROPOUT || distance < -MAX_MISORDER) {
      this.#pushStranger(sequence, rtpTimestamp, payload, nowMs);
      return;
    }
    this.#candidate.payload = undefined;
    if (distance < 0) this.#pushOld(sequence, nowMs);
    else if (distance === 0) this.#pushNext(sequence, rtpTimestamp, payload, nowMs);
    else this.#hold(sequence, rtpTimestamp, payload, nowMs);
    if (this.#deadlineMs <= nowMs) this.poll(nowMs);
  }

  /** Gives up gaps that have been waited for long enough. */
  poll(nowMs: number): void {
    while (this.#deadlineMs <= nowMs) this.#giveUpGap(nowMs);
  }

  /** Forgets the stream: the next packet is the first of another. */
  reset(): void {
    for (const slot of this.#slots) slot.payload = undefined;
    this.#candidate.payload = undefined;
    this.#started = false;
    this.#timestampKnown = false;
    this.#held = 0;
    this.#deadlineMs = Infinity;
    this.#delivered.fill(0);
    this.#patience.restart();
  }

  #start(sequence: number): void {
    this.#started = true;
    this.#nextSequence = sequence;
    this.#highestSequence = sequence;
  }

  #pushOld(sequence: number, nowMs: number): void {
    const index = sequence & (HISTORY - 1);
    if (this.#delivered[index] === 1) this.statistics.duplicates++;
    else {
      this.statistics.late++;
      this.#patience.cameLate(nowMs - this.#missedMs[index]!);
    }
    this.#delivered[index] = 1;
  }

  #pushNext(sequence: number, rtpTimestamp: number, payload: Uint8Array, nowMs: number): void {
    if (this.#held > 0) this.#filled(sequence, nowMs);
    else {
      this.#highestSequence = sequence;
      this.#patience.inOrder(rtpTimestamp, nowMs);
    }
    this.#deliver(rtpTimestamp, payload);
    if (this.#held > 0) this.#deliverHeld(nowMs);
  }

  /** A packet that was missed has come in time. */
  #filled(sequence: number, nowMs: number): void {
    this.statistics.reordered++;
    if (this.#patience.filled(nowMs - this.#missedMs[sequence & (HISTORY - 1)]!)) this.statistics.recovered++;
  }

  #hold(sequence: number, rtpTimestamp: number, payload: Uint8Array, nowMs: number): void {
    while (sequenceDistance(this.#nextSequence, sequence) >= CAPACITY && this.#held > 0) this.#giveUpGap(nowMs);
    const distance = sequenceDistance(this.#nextSequence, sequence);
    if (distance === 0 || distance >= CAPACITY) {
      for (let missing = distance; missing > 0; missing--) this.#skipMissing(nowMs);
      this.#pushNext(sequence, rtpTimestamp, payload, nowMs);
      return;
    }
    const slot = this.#slots[sequence & (CAPACITY - 1)]!;
    if (slot.payload) {
      this.statistics.duplicates++;
      return;
    }
    if (sequenceDistance(this.#highestSequence, sequence) > 0) this.#miss(sequence, rtpTimestamp, nowMs);
    else this.#filled(sequence, nowMs);
    if (this.#held === 0) this.#heldSinceMs = nowMs;
    slot.payload = payload;
    slot.rtpTimestamp = rtpTimestamp;
    slot.arrivalMs = nowMs;
    this.#held++;
    this.#deadlineMs = Math.min(this.#deadlineMs, nowMs + this.targetMs);
  }

  /** The packets before this one, which is the newest so far, are missing from now on. */
  #miss(sequence: number, rtpTimestamp: number, nowMs: number): void {
    let missing = (this.#highestSequence + 1) & 0xffff;
    for (; missing !== sequence; missing = (missing + 1) & 0xffff) this.#missedMs[missing & (HISTORY - 1)] = nowMs;
    this.#highestSequence = sequence;
    this.#patience.inOrder(rtpTimestamp, nowMs);
  }

  /** A packet far from all others: of a sender that has restarted, if the next one follows it (RFC 3550 A.1). */
  #pushStranger(sequence: number, rtpTimestamp: number, payload: Uint8Array, nowMs: number): void {
    const { payload: first, rtpTimestamp: firstTimestamp } = this.#candidate;
    if (first && sequence === ((this.#candidateSequence + 1) & 0xffff)) {
      while (this.#held > 0) this.#giveUpGap(nowMs);
      const firstSequence = this.#candidateSequence;
      this.reset();
      this.#restart();
      this.#start(firstSequence);
      this.#deliver(firstTimestamp, first);
      this.#pushNext(sequence, rtpTimestamp, payload, nowMs);
      return;
    }
    this.#candidateSequence = sequence;
    this.#candidate.payload = payload;
    this.#candidate.rtpTimestamp = rtpTimestamp;
    this.#candidate.arrivalMs = nowMs;
  }

  #giveUpGap(nowMs: number): void {
    while (!this.#slots[this.#nextSequence & (CAPACITY - 1)]!.payload) {
      this.#skipMissing();
      this.#patience.givenUp();
    }
    this.#deliverHeld(nowMs);
  }

  /** @param missedMs where it was not missed before */
  #skipMissing(missedMs?: number): void {
    const index = this.#nextSequence & (HISTORY - 1);
    this.#delivered[index] = 0;
    if (missedMs !== undefined) this.#missedMs[index] = missedMs;
    this.#nextSequence = (this.#nextSequence + 1) & 0xffff;
    this.#missing++;
    this.statistics.lost++;
  }

  /** Delivers what now is in order, and finds out until when the rest may wait. */
  #deliverHeld(nowMs: number): void {
    this.statistics.waitedMs += nowMs - this.#heldSinceMs;
    this.#heldSinceMs = nowMs;
    let slot = this.#slots[this.#nextSequence & (CAPACITY - 1)]!;
    while (slot.payload) {
      const { payload } = slot;
      slot.payload = undefined;
      this.#held--;
      this.#deliver(slot.rtpTimestamp, payload);
      slot = this.#slots[this.#nextSequence & (CAPACITY - 1)]!;
    }
    this.#deadlineMs = Infinity;
    if (this.#held === 0) return;
    for (const { payload, arrivalMs } of this.#slots) {
      if (payload) this.#deadlineMs = Math.min(this.#deadlineMs, arrivalMs + this.targetMs);
    }
  }

  #deliver(rtpTimestamp: number, payload: Uint8Array): void {
    this.#delivered[this.#nextSequence & (HISTORY - 1)] = 1;
    this.#nextSequence = (this.#nextSequence + 1) & 0xffff;
    const samples48k = opusSamples48k(payload);
    if (samples48k === 0) {
      this.statistics.invalid++;
      this.#missing++;
      return;
    }
    if (this.#timestampKnown && rtpTimestamp !== this.#nextTimestamp) this.#bridge(rtpTimestamp);
    this.#missing = 0;
    this.#lastSamples = samples48k;
    this.#timestampKnown = true;
    this.#nextTimestamp = (rtpTimestamp + samples48k) >>> 0;
    this.#sink.packet(payload, rtpTimestamp, samples48k);
  }

  /** Tells of the time between the last packet and the one that begins at `rtpTimestamp`. */
  #bridge(rtpTimestamp: number): void {
    const samples = timestampDistance(this.#nextTimestamp, rtpTimestamp);
    if (samples < 0 || samples > MAX_GAP_SAMPLES_48K) {
      this.#restart();
      return;
    }
    const lost = Math.min(samples, this.#missing * this.#lastSamples, this.#maximumConcealed);
    if (lost > 0) {
      this.statistics.concealedSamples48k += lost;
      this.#sink.lost(lost, this.#nextTimestamp);
    }
    if (samples > lost) this.#sink.gap(samples - lost);
  }

  #restart(): void {
    this.statistics.restarts++;
    this.#sink.restart();
  }
}

function emptySlot(): Slot {
  return { payload: undefined, rtpTimestamp: 0, arrivalMs: 0 };
}
