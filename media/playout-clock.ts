/**
 * The clock of one call's playout: pure, free of drift. Frames fall due every 20 ms on a fixed grid; RTP timestamps
 * follow that grid through speech and silence alike (RFC 3550 §5.1), while sequence numbers count packets sent.
 */

export type PlayoutClockOptions = {
  /** Length of a frame. */
  frameMs: number;
  /** Where in the frame's length this call's frames fall due; calls share a send loop and take turns. */
  phaseMs: number;
  nowMs: number;
  /** First values, random by RFC 3550; 0 by default, for tests. */
  sequence?: number;
  timestamp?: number;
};

/** Where a playout stands; a replacement goes on from here. */
export type PlayoutSnapshot = { sequence: number; timestamp: number; atMs: number };

const CLOCK_RATE_PER_MS = 48;
/** Frames this late are skipped: what is later than a jitter buffer's reach would only push the rest back. */
const SKIP_AFTER_MS = 60;
/** In silence a packet leaves this seldom, so that a client can tell quiet from dead. */
const SILENCE_INTERVAL_MS = 400;
/**
 * Sequence numbers left out when another worker goes on: more than were sent since the last snapshot. A lower number on
 * the same SSRC would leave the listener deaf; a gap with a later timestamp is seamless.
 */
const RESTORE_SEQUENCE_SKIP = 200;

export class PlayoutClock {
  readonly #frameMs: number;
  #dueMs: number;
  #nextSequence: number;
  #frameTimestamp: number;
  #lastSentMs = -Infinity;
  #spurt = false;
  /** Of the packet just stamped. */
  sequence = 0;
  timestamp = 0;
  marker = false;
  /** How late the frame just due was taken. */
  lastLatenessMs = 0;
  readonly statistics = { sent: 0, late5Ms: 0, late20Ms: 0, skipped: 0 };

  constructor(options: PlayoutClockOptions) {
    const { frameMs, phaseMs, nowMs } = options;
    this.#frameMs = frameMs;
    this.#dueMs = Math.ceil((nowMs - phaseMs) / frameMs) * frameMs + phaseMs;
    this.#nextSequence = (options.sequence ?? 0) & 0xffff;
    this.#frameTimestamp = (options.timestamp ?? 0) >>> 0;
  }

  /** When the next frame falls due. */
  get nextDueMs(): number {
    return this.#dueMs;
  }

  /** Whether a frame is due, and if so moves on to the next. After a stall the frames gone by are skipped, never sent. */
  due(nowMs: number): boolean {
    if (nowMs < this.#dueMs) return false;
    let latenessMs = nowMs - this.#dueMs;
    if (latenessMs > SKIP_AFTER_MS) {
      const skipped = Math.floor(latenessMs / this.#frameMs);
      this.#advance(skipped);
      this.statistics.skipped += skipped;
      latenessMs -= skipped * this.#frameMs;
    }
    this.lastLatenessMs = latenessMs;
    this.timestamp = this.#frameTimestamp;
    this.#advance(1);
    return true;
  }

  /** Stamps a packet of the frame just due: sound, whose first packet after silence carries the marker. */
  stampSpeech(): void {
    this.marker = !this.#spurt;
    this.#spurt = true;
    this.#stamp();
  }

  /** Stamps a silent packet that follows speech. */
  stampTail(): void {
    this.marker = false;
    this.#spurt = false;
    this.#stamp();
  }

  /** Stamps a packet of silence if it is time for one; false if not. */
  stampSilence(): boolean {
    const frameMs = this.#dueMs - this.#frameMs;
    if (frameMs - this.#lastSentMs < SILENCE_INTERVAL_MS) return false;
    this.stampTail();
    return true;
  }

  snapshot(nowMs: number): PlayoutSnapshot {
    return { sequence: this.#nextSequence, timestamp: this.#frameTimestamp, atMs: nowMs };
  }

  /** Goes on for a predecessor: sequence numbers ahead of any it sent, the timestamp later by the time gone by. */
  restore(snapshot: PlayoutSnapshot, nowMs: number): void {
    const frames = Math.ceil(Math.max(0, nowMs - snapshot.atMs) / this.#frameMs) + 1;
    this.#nextSequence = (snapshot.sequence + RESTORE_SEQUENCE_SKIP) & 0xffff;
    this.#frameTimestamp = (snapshot.timestamp + frames * this.#frameMs * CLOCK_RATE_PER_MS) >>> 0;
  }

  #advance(frames: number): void {
    this.#dueMs += frames * this.#frameMs;
    this.#frameTimestamp = (this.#frameTimestamp + frames * this.#frameMs * CLOCK_RATE_PER_MS) >>> 0;
  }

  #stamp(): void {
    this.sequence = this.#nextSequence;
    this.#nextSequence = (this.#nextSequence + 1) & 0xffff;
    this.#lastSentMs = this.#dueMs - this.#frameMs;
    this.statistics.sent++;
    if (this.lastLatenessMs > 5) this.statistics.late5Ms++;
    if (this.lastLatenessMs > 20) this.statistics.late20Ms++;
  }
}
