/**
 * Cuts the caller's audio into the windows that the speech model takes, and says when each was captured.
 *
 * Time must pass without packets too: a browser that is silent sends one in 400 ms, and one that has gone sends none.
 * So the clock feeds silence up to 60 ms ago, and the next packet's timestamp decides how much of its gap is left to feed.
 *
 * RTP time becomes the worker's time by an offset: the least delay that any packet showed, as if the network had no
 * jitter. It follows a packet that comes sooner at once, and rises slowly, so that a longer route or a slower clock on
 * the other side is found out as well. Pure; no allocation per packet.
 */
import { timestampDistance } from '../rtp/rtp.ts';

/** Samples of a window at 16 kHz: 32 ms, what Silero takes. */
export const WINDOW_SAMPLES = 512;

export type FrameAssemblerOptions = {
  /**
   * Told each window: samples of −1…1, valid during the call only, and when the last of them was captured, on the
   * clock of `arrivalMs`. Never earlier than the window before.
   */
  onWindow: (window: Float32Array, endMs: number) => void;
};

const SAMPLES_PER_MS = 16;
const RTP_SAMPLES_PER_MS = 48;
const RTP_SAMPLES_PER_SAMPLE = 3;
/**
 * The clock feeds silence up to this long ago, and no later than this much jitter after the next packet, which matters
 * for packets longer than 20 ms. Smaller: jitter tears speech apart. Larger: silence is noticed later.
 */
const HOLDBACK_MS = 60;
const JITTER_MS = 40;
/** Silence fed at a time; time beyond it is skipped. More: what comes after waits for its verdicts. */
const MAX_SILENT_SAMPLES = 8 * WINDOW_SAMPLES;
/** Without packets for longer, time stands still until the next: every detector has come to its end by then. */
const IDLE_MS = 5000;
/** A deadline missed by more means that the thread stood still; what arrived meanwhile gets some time to be read. */
const STALL_MS = 60;
const STALL_GRACE_MS = 30;
/** Rise of the offset in ms per ms: ten times what two sound cards drift apart. */
const OFFSET_RISE = 0.001;
/** A jump of the timestamps by more has no meaning: 60 s. */
const MAX_JUMP = 60_000 * RTP_SAMPLES_PER_MS;

export class FrameAssembler {
  readonly #onWindow: FrameAssemblerOptions['onWindow'];
  readonly #window = new Float32Array(WINDOW_SAMPLES);
  #filled = 0;
  /** Capture time of the last sample fed; undefined before any. */
  #fedMs: number | undefined;
  /** Whether timestamps have a meaning: not before the first packet and right after a restart. */
  #mapped = false;
  /** The timestamp expected next; the same without its wraps, counted from the mapping's beginning. */
  #nextTimestamp = 0;
  #position = 0;
  /** Time at which position 0 was captured. */
  #offsetMs = 0;
  /** Samples (16 kHz) of gaps that are still to be fed, and those of silence that the clock has fed ahead of them. */
  #owed = 0;
  #ahead = 0;
  #idle = true;
  #holdbackMs = HOLDBACK_MS;
  #lastPacketMs = 0;
  #notBeforeMs = 0;
  #stallForgiven = false;

  constructor(options: FrameAssemblerOptions) {
    this.#onWindow = options.onWindow;
  }

  /** When the last sample fed was captured; 0 before any. */
  get capturedUntilMs(): number {
    return this.#fedMs ?? 0;
  }

  /** When `advance` has a window of silence to feed; ∞ before the first packet, and long after the last. */
  get nextDeadlineMs(): number {
    if (this.#idle || this.#fedMs === undefined) return Infinity;
    const windowEndMs = this.#fedMs + (WINDOW_SAMPLES - this.#filled) / SAMPLES_PER_MS;
    return Math.max(windowEndMs + this.#holdbackMs, this.#lastPacketMs + this.#holdbackMs, this.#notBeforeMs);
  }

  /**
   * Takes decoded audio, in order.
   * @param samples 16 kHz mono
   * @param rtpTimestamp of the first sample, at 48 kHz
   */
  pcm(samples: Int16Array, rtpTimestamp: number, arrivalMs: number): void {
    const length = samples.length * RTP_SAMPLES_PER_SAMPLE;
    const jump = timestampDistance(this.#nextTimestamp, rtpTimestamp);
    if (!this.#mapped || Math.abs(jump) > MAX_JUMP) this.#map(arrivalMs - length / RTP_SAMPLES_PER_MS);
    else if (jump > 0) this.gap(jump);
    this.#nextTimestamp = (rtpTimestamp + length) >>> 0;
    this.#position += length;
    const risenMs = this.#offsetMs + Math.max(0, arrivalMs - this.#lastPacketMs) * OFFSET_RISE;
    this.#offsetMs = Math.min(risenMs, arrivalMs - this.#position / RTP_SAMPLES_PER_MS);
    this.#settleGap(length / RTP_SAMPLES_PER_MS, arrivalMs);
    this.#idle = false;
    this.#lastPacketMs = arrivalMs;
    this.#holdbackMs = Math.max(HOLDBACK_MS, length / RTP_SAMPLES_PER_MS + JITTER_MS);
    this.#feed(samples, samples.length, this.#capturedMs, arrivalMs);
  }

  /** Takes audio that was made up for a loss. Where the clock has fed silence in its place already, that will do. */
  concealed(samples: Int16Array, rtpTimestamp: number, nowMs: number): void {
    const covered = Math.floor(Math.max(0, Math.min(this.#ahead - this.#owed, samples.length)));
    if (covered > 0) this.gap(covered * RTP_SAMPLES_PER_SAMPLE);
    if (covered === samples.length) return;
    this.pcm(samples.subarray(covered), (rtpTimestamp + covered * RTP_SAMPLES_PER_SAMPLE) >>> 0, nowMs);
  }

  /** Nothing was sent for so long. What the clock has not fed of it yet is fed with the next audio. */
  gap(samples48k: number): void {
    if (!this.#mapped) return;
    this.#nextTimestamp = (this.#nextTimestamp + samples48k) >>> 0;
    this.#position += samples48k;
    this.#owed += samples48k / RTP_SAMPLES_PER_SAMPLE;
  }

  /** Lets time pass: feeds the windows of silence that are due. */
  advance(nowMs: number): void {
    if (this.#fedMs === undefined || nowMs < this.nextDeadlineMs) return;
    if (!this.#stallForgiven && nowMs - this.nextDeadlineMs > STALL_MS) {
      this.#stallForgiven = true;
      this.#notBeforeMs = nowMs + STALL_GRACE_MS;
      return;
    }
    // The hundredth keeps rounding from missing the very sample that the deadline was made for.
    const passed = Math.floor((nowMs - this.#holdbackMs - this.#fedMs) * SAMPLES_PER_MS + 0.01);
    const whole = Math.floor((passed + this.#filled) / WINDOW_SAMPLES) * WINDOW_SAMPLES - this.#filled;
    if (whole > 0) {
      this.#ahead += whole;
      this.#feed(undefined, Math.min(whole, MAX_SILENT_SAMPLES), this.#fedMs + whole / SAMPLES_PER_MS, nowMs);
    }
    if (nowMs - this.#lastPacketMs > IDLE_MS) this.#idle = true;
  }

  /** What comes next has other timestamps. The clock goes on, and so do the windows' times. */
  restart(nowMs: number): void {
    this.#mapped = false;
    this.#owed = 0;
    this.#ahead = 0;
    if (!this.#idle) this.#lastPacketMs = nowMs;
  }

  /** When the sample at the present position was captured. */
  get #capturedMs(): number {
    return this.#offsetMs + this.#position / RTP_SAMPLES_PER_MS;
  }

  #map(startMs: number): void {
    this.#mapped = true;
    this.#position = 0;
    this.#offsetMs = startMs;
    this.#owed = 0;
    this.#ahead = 0;
  }

  /** Before audio of `lengthMs`: feeds what is left of its gap, or finds that the clock fed silence in its place. */
  #settleGap(lengthMs: number, nowMs: number): void {
    const left = this.#idle ? 0 : Math.round(this.#owed - this.#ahead);
    this.#owed = 0;
    this.#ahead = 0;
    if (left > 0) {
      // Never more than the time gone by, whatever the timestamps claim.
      const passed = Math.floor((nowMs - (this.#fedMs ?? nowMs)) * SAMPLES_PER_MS);
      const silent = Math.min(left, passed, MAX_SILENT_SAMPLES);
      if (silent > 0) this.#feed(undefined, silent, this.#capturedMs - lengthMs, nowMs);
    } else if (left < 0) {
      // It came later than any before it, so the way has become longer; if not, the next packets show it.
      this.#offsetMs += Math.min(-left / SAMPLES_PER_MS, nowMs - this.#capturedMs);
    }
  }

  /**
   * Feeds audio, or silence, whose last sample was captured at `endMs`. Times never run backwards, nor beyond `nowMs`:
   * where they are ahead they wait for the clock, where they are behind they jump.
   */
  #feed(samples: Int16Array | undefined, count: number, endMs: number, nowMs: number): void {
    const lengthMs = count / SAMPLES_PER_MS;
    const fedMs = this.#fedMs ?? -Infinity;
    const startMs = Math.max(fedMs, endMs - lengthMs);
    const lastMs = Math.max(startMs, Math.min(startMs + lengthMs, nowMs));
    const msPerSample = count > 0 ? (lastMs - startMs) / count : 0;
    let done = 0;
    while (done < count) {
      const taken = Math.min(WINDOW_SAMPLES - this.#filled, count - done);
      if (samples) this.#copy(samples, done, taken);
      else this.#window.fill(0, this.#filled, this.#filled + taken);
      this.#filled += taken;
      done += taken;
      if (this.#filled < WINDOW_SAMPLES) break;
      this.#filled = 0;
      this.#onWindow(this.#window, startMs + done * msPerSample);
    }
    this.#fedMs = lastMs;
    this.#stallForgiven = false;
  }

  #copy(samples: Int16Array, from: number, count: number): void {
    for (let index = 0; index < count; index++) this.#window[this.#filled + index] = samples[from + index]! / 32_768;
  }
}
