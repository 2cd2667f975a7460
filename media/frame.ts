/**
 * Cuts the caller's audio into windows for the VAD, and keeps time running where no packets come: pure. With DTX a
 * browser sends one packet in 400 ms, so after 60 ms without one the clock feeds silence; the next packet's timestamp
 * then says how much silence there was, and what the clock has fed of it is not fed again.
 */

export type FrameAssemblerOptions = {
  /** 512 samples at 16 kHz, −1…1, valid during the call only; and when the last of them was captured. */
  onWindow: (window: Float32Array, endMs: number) => void;
};

const WINDOW_SAMPLES = 512;
const SAMPLES_PER_MS = 16;
const WINDOW_MS = WINDOW_SAMPLES / SAMPLES_PER_MS;
const RTP_PER_MS = 48;
/** Longer than any two packets of continuous speech are apart on a network that can carry a call. */
const SILENT_AFTER_MS = 60;
/** What the clock feeds stays this much behind the present, so that a late packet still finds its place. */
const CLOCK_MARGIN_MS = 20;
/** Silence fed in one go: it settles every detector, and bounds the work after a stall or for a lying timestamp. */
const MAX_FED_MS = 1000;
/** Without any packet for this long there is nothing left to detect: longer than every endpointing delay but the rarest. */
const MAX_CLOCK_MS = 4000;
/** How fast the mapping of RTP time follows a path that became slower: 2 % of time. */
const DRIFT_MS_PER_PACKET = 0.4;

export class FrameAssembler {
  readonly #onWindow: FrameAssemblerOptions['onWindow'];
  readonly #window = new Float32Array(WINDOW_SAMPLES);
  #filled = 0;
  /** When the last sample fed was captured. */
  #endMs = 0;
  #lastPacketMs = Infinity;
  /** Silence fed by the clock that no timestamp has accounted for yet. */
  #clockFedMs = 0;
  #clockedSincePacketMs = 0;
  /** Arrival minus RTP time of the fastest packet, slowly rising. */
  #offsetMs: number | undefined;
  #rtpMs = 0;
  #rtpTimestamp = 0;

  constructor(options: FrameAssemblerOptions) {
    this.#onWindow = options.onWindow;
  }

  /** When `advance` has silence to feed. */
  get nextDeadlineMs(): number {
    if (this.#clockedSincePacketMs >= MAX_CLOCK_MS) return Infinity;
    return this.#lastPacketMs + Math.max(SILENT_AFTER_MS, this.#clockedSincePacketMs + CLOCK_MARGIN_MS + WINDOW_MS);
  }

  /** Decoded audio, in order. */
  pcm(samples: Int16Array, rtpTimestamp: number, arrivalMs: number): void {
    this.#synchronise(rtpTimestamp, samples.length / SAMPLES_PER_MS, arrivalMs);
    this.#lastPacketMs = arrivalMs;
    this.#clockedSincePacketMs = 0;
    let from = 0;
    while (from < samples.length) {
      const count = Math.min(samples.length - from, WINDOW_SAMPLES - this.#filled);
      for (let index = 0; index < count; index++) {
        this.#window[this.#filled + index] = samples[from + index]! / 32_768;
      }
      from += count;
      this.#fed(count);
    }
  }

  /** The sender's timestamps left out this much: silence, as far as the clock has not fed it. */
  gap(samples48k: number): void {
    const gapMs = samples48k / RTP_PER_MS;
    const restMs = gapMs - this.#clockFedMs;
    this.#clockFedMs = Math.max(0, -restMs);
    if (restMs > 0) this.#feedSilence(Math.min(restMs, MAX_FED_MS));
    if (restMs > MAX_FED_MS) this.#endMs += restMs - MAX_FED_MS;
  }

  /** Time passes: feeds silence where packets are missing. */
  advance(nowMs: number): void {
    if (nowMs < this.nextDeadlineMs) return;
    const missingMs = nowMs - this.#lastPacketMs - CLOCK_MARGIN_MS - this.#clockedSincePacketMs;
    const windows = Math.floor(missingMs / WINDOW_MS);
    const silenceMs = windows * WINDOW_MS;
    this.#clockedSincePacketMs += silenceMs;
    this.#clockFedMs += silenceMs;
    this.#feedSilence(Math.min(silenceMs, MAX_FED_MS));
    if (silenceMs > MAX_FED_MS) this.#endMs += silenceMs - MAX_FED_MS;
  }

  /** Another sender, or the same one anew. */
  restart(nowMs: number): void {
    this.#offsetMs = undefined;
    this.#clockFedMs = 0;
    this.#clockedSincePacketMs = 0;
    this.#lastPacketMs = nowMs;
    this.#endMs = Math.max(this.#endMs, nowMs);
  }

  /** Moves the session's time to where this packet belongs: forward at once, back by no more than a packet can hide. */
  #synchronise(rtpTimestamp: number, durationMs: number, arrivalMs: number): void {
    if (this.#offsetMs === undefined) {
      this.#rtpMs = 0;
      this.#offsetMs = arrivalMs - durationMs;
      this.#endMs = Math.max(this.#endMs, arrivalMs - durationMs);
    } else {
      this.#rtpMs += ((rtpTimestamp - this.#rtpTimestamp) | 0) / RTP_PER_MS;
      const transitMs = arrivalMs - durationMs - this.#rtpMs;
      this.#offsetMs = Math.min(this.#offsetMs + DRIFT_MS_PER_PACKET, transitMs);
    }
    this.#rtpTimestamp = rtpTimestamp;
    const aheadMs = this.#endMs - (this.#rtpMs + this.#offsetMs);
    this.#endMs -= Math.min(aheadMs, durationMs / 2);
  }

  #feedSilence(silenceMs: number): void {
    let samples = Math.round(silenceMs * SAMPLES_PER_MS);
    while (samples > 0) {
      const count = Math.min(samples, WINDOW_SAMPLES - this.#filled);
      this.#window.fill(0, this.#filled, this.#filled + count);
      samples -= count;
      this.#fed(count);
    }
  }

  #fed(samples: number): void {
    this.#filled += samples;
    this.#endMs += samples / SAMPLES_PER_MS;
    if (this.#filled < WINDOW_SAMPLES) return;
    this.#filled = 0;
    this.#onWindow(this.#window, this.#endMs);
  }
}
