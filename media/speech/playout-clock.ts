/**
 * When each packet of one call's playout leaves, and with which RTP sequence number and timestamp. Pure. Frames lie on
 * a grid of `frameMs` that never drifts: frame n is due at start + n · frameMs, however late the one before was. Only a
 * talk spurt may move the grid, so that its first frame need not wait for the next place on it.
 */

export type PlayoutClockOptions = {
  /** Length of a frame, in ms. */
  frameMs: number;
  /** Where on the grid of `frameMs` this call's frames lie, so that calls do not all fall due together. */
  phaseMs: number;
  nowMs: number;
  /** RTP clock, in Hz; Opus always has 48,000 (RFC 7587 §4.1), which is the default. */
  sampleRate?: number;
  /**
   * First sequence number and timestamp. Default: random, as RFC 3550 §5.1 wants, the sequence in the lower half so
   * that it does not wrap before SRTP receivers have seen the first packets (RFC 3711 §3.3.1).
   */
  initial?: { sequence: number; timestamp: number };
};

/** `speech`: a frame of the voice; `tail`: a silent frame that is sent all the same; `silence`: nothing to send. */
export type FrameKind = 'speech' | 'tail' | 'silence';

/** The next packet would have `sequence`; a frame due at `atMs` has `timestamp`. */
export type PlayoutSnapshot = { sequence: number; timestamp: number; atMs: number };

/** A clock that is further behind than this leaves frames out. Smaller: short stalls are heard. Larger: bursts. */
const STALL_MS = 60;
/** Through silence, a packet leaves this often: rarer looks like a dead connection, more often is a waste. */
const KEEPALIVE_MS = 400;
/** Sequence numbers left out on restoring: more packets than leave between two snapshots, in 4 s at most. */
const SEQUENCE_SKIP = 200;

export class PlayoutClock {
  readonly #frameMs: number;
  readonly #phaseMs: number;
  readonly #samplesPerMs: number;
  readonly #keepaliveFrames: number;
  #originMs: number;
  /** Frames since the origin: the one that is due next. */
  #frame = 0;
  #nextSequence: number;
  #nextTimestamp: number;
  #unsentFrames: number;
  #spurt = false;
  #lastLatenessMs = 0;
  /** Of the frame that was stamped last. */
  sequence = 0;
  timestamp = 0;
  /** Whether a talk spurt starts with it. */
  marker = false;
  /** Packets sent; frames skipped after stalls; packets that left more than 5 and 20 ms late, and the worst of all. */
  readonly statistics = { sent: 0, skipped: 0, late5Ms: 0, late20Ms: 0, maxLatenessMs: 0 };

  constructor(options: PlayoutClockOptions) {
    const { frameMs, phaseMs, nowMs, sampleRate = 48_000, initial = randomStart() } = options;
    this.#frameMs = frameMs;
    this.#phaseMs = phaseMs;
    this.#samplesPerMs = sampleRate / 1000;
    this.#keepaliveFrames = Math.round(KEEPALIVE_MS / frameMs);
    this.#unsentFrames = this.#keepaliveFrames;
    this.#originMs = this.#firstDueMs(nowMs);
    this.#nextSequence = initial.sequence;
    this.#nextTimestamp = initial.timestamp;
  }

  get nextDueMs(): number {
    return this.#originMs + this.#frame * this.#frameMs;
  }

  /** How late the frame was that `due` found last. */
  get lastLatenessMs(): number {
    return this.#lastLatenessMs;
  }

  /**
   * Frames to stamp and send now: 0 or 1, so that a late clock catches up frame by frame and never in a burst. After a
   * stall the frames whose time has gone by are skipped.
   */
  due(nowMs: number): 0 | 1 {
    const latenessMs = nowMs - this.nextDueMs;
    if (latenessMs < 0) return 0;
    this.#lastLatenessMs = latenessMs;
    if (latenessMs > STALL_MS) this.#skip(Math.floor(latenessMs / this.#frameMs));
    return 1;
  }

  /**
   * Has the next frame due at `atMs` already, in the place of one that was not sent: the end of a silence need not be waited
   * for. Its timestamp is as much earlier, so that times and timestamps keep to one clock.
   * @returns whether it is due then: not where a packet has taken the present place
   */
  bringForward(atMs: number): boolean {
    const byMs = this.nextDueMs - atMs;
    if (this.#unsentFrames === 0 || byMs <= 0 || byMs > this.#frameMs) return false;
    const samples = Math.round(byMs * this.#samplesPerMs);
    this.#originMs -= byMs;
    this.#nextTimestamp = (this.#nextTimestamp - samples) >>> 0;
    return true;
  }

  /**
   * Gives the frame that is due its place, and moves on to the next.
   * @returns whether a packet is to leave with it: always, but for most frames of silence
   */
  stamp(kind: FrameKind): boolean {
    this.timestamp = this.#nextTimestamp;
    this.#nextTimestamp = this.#timestampAfter(1);
    this.#frame++;
    this.#unsentFrames++;
    this.marker = kind === 'speech' && !this.#spurt;
    this.#spurt = kind === 'speech';
    if (kind === 'silence' && this.#unsentFrames < this.#keepaliveFrames) return false;
    this.#unsentFrames = 0;
    this.sequence = this.#nextSequence;
    this.#nextSequence = (this.#nextSequence + 1) & 0xffff;
    this.#countSent();
    return true;
  }

  /** What a clock in another thread needs to go on from here. */
  snapshot(nowMs: number): PlayoutSnapshot {
    const timestamp = this.#nextTimestamp + Math.round((nowMs - this.nextDueMs) * this.#samplesPerMs);
    return { sequence: this.#nextSequence, timestamp: timestamp >>> 0, atMs: nowMs };
  }

  /**
   * Goes on where another clock was: at a later sequence number, and with the timestamp advanced by the time gone by,
   * never backwards. A listener's SRTP takes lower sequence numbers of the same SSRC for replays and goes deaf.
   * @param sequenceSkip sequence numbers left out for the packets that were sent after the snapshot
   */
  restore(snapshot: PlayoutSnapshot, nowMs: number, sequenceSkip = SEQUENCE_SKIP): void {
    this.#originMs = this.#firstDueMs(nowMs);
    this.#frame = 0;
    const goneByMs = Math.max(0, this.#originMs - snapshot.atMs);
    this.#nextSequence = (snapshot.sequence + sequenceSkip) & 0xffff;
    this.#nextTimestamp = (snapshot.timestamp + Math.round(goneByMs * this.#samplesPerMs)) >>> 0;
    this.#unsentFrames = this.#keepaliveFrames;
    this.#spurt = false;
  }

  #firstDueMs(nowMs: number): number {
    return Math.ceil((nowMs - this.#phaseMs) / this.#frameMs) * this.#frameMs + this.#phaseMs;
  }

  #skip(frames: number): void {
    this.#frame += frames;
    this.#nextTimestamp = this.#timestampAfter(frames);
    this.#unsentFrames += frames;
    this.statistics.skipped += frames;
    // The listener has a hole here: what follows starts anew.
    this.#spurt = false;
  }

  #timestampAfter(frames: number): number {
    return (this.#nextTimestamp + frames * this.#frameMs * this.#samplesPerMs) >>> 0;
  }

  #countSent(): void {
    const { statistics } = this;
    statistics.sent++;
    if (this.#lastLatenessMs > 5) statistics.late5Ms++;
    if (this.#lastLatenessMs > 20) statistics.late20Ms++;
    if (this.#lastLatenessMs > statistics.maxLatenessMs) statistics.maxLatenessMs = this.#lastLatenessMs;
  }
}

function randomStart(): { sequence: number; timestamp: number } {
  return { sequence: Math.floor(Math.random() * 0x8000), timestamp: Math.floor(Math.random() * 2 ** 32) };
}
