/** What a caller's browser sends: Opus of what is said, a packet in 20 ms, and one in 400 ms through silence (DTX). */
import { BrowserOpus } from '../browser-opus.ts';
import { writeRtpHeader } from '../../../media/rtp/rtp.ts';

export const MICROPHONE_RATE_HZ = 24_000;
const FRAME_MS = 20;
export const FRAME_SAMPLES = (MICROPHONE_RATE_HZ * FRAME_MS) / 1000;
const SAMPLES_48K = 960;
/** 20 ms of digital silence: CELT, full band, mono, with the silence flag (RFC 6716 §4.3). */
const SILENCE = Uint8Array.of(0xf8, 0xff, 0xfe);
/** Chromium goes on for so long after speech, then sends rarely. */
const DTX_AFTER_FRAMES = 10;
const DTX_EVERY_FRAMES = 20;
const QUIET = 60;

export type MicrophoneOptions = {
  /** Each packet when its last sample has been captured. */
  send: (packet: Uint8Array) => void;
  /** What of the loudspeaker gets into the microphone during the frame. */
  echo: (atMs: number) => Int16Array | undefined;
  /** Silence is left out. Default: true. */
  dtx?: boolean;
};

export class StoryMicrophone {
  ssrc = 0xca11e4;
  on = true;
  muted = false;
  readonly #options: MicrophoneOptions;
  readonly #encoder = new BrowserOpus(MICROPHONE_RATE_HZ);
  readonly #sound: Int16Array[] = [];
  #nextMs: number;
  #sequence = 65_500;
  #timestamp = 4_294_900_000;
  #quietFrames = DTX_AFTER_FRAMES;

  /** @param nowMs frames begin at multiples of 20 ms from here */
  constructor(nowMs: number, options: MicrophoneOptions) {
    this.#nextMs = nowMs;
    this.#options = options;
  }

  /** Sounds after what is being said. @param samples of whole frames @returns when it begins and ends */
  sound(samples: Int16Array): { startMs: number; endMs: number } {
    const startMs = this.#nextMs + this.#sound.length * FRAME_MS;
    for (let from = 0; from < samples.length; from += FRAME_SAMPLES) {
      this.#sound.push(samples.slice(from, from + FRAME_SAMPLES));
    }
    return { startMs, endMs: this.#nextMs + this.#sound.length * FRAME_MS };
  }

  /** Sends what has been captured by now. */
  tick(nowMs: number): void {
    for (; this.#nextMs + FRAME_MS <= nowMs; this.#nextMs += FRAME_MS) this.#frame(this.#nextMs);
  }

  #frame(atMs: number): void {
    const said = this.#sound.shift();
    const echo = this.#options.echo(atMs);
    const frame = this.muted ? undefined : mixed(said, echo);
    this.#timestamp = (this.#timestamp + SAMPLES_48K) >>> 0;
    this.#quietFrames = frame ? 0 : this.#quietFrames + 1;
    const since = this.#quietFrames - DTX_AFTER_FRAMES;
    if (!this.on || (since > 0 && since % DTX_EVERY_FRAMES !== 0)) return;
    this.#send(frame ? this.#encoder.encode(frame) : SILENCE);
  }

  #send(payload: Uint8Array): void {
    const packet = new Uint8Array(12 + payload.length);
    writeRtpHeader(packet, 111, false, this.#sequence, this.#timestamp, this.ssrc);
    packet.set(payload, 12);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#options.send(packet);
  }
}

function mixed(said: Int16Array | undefined, echo: Int16Array | undefined): Int16Array | undefined {
  if (!said || !echo) return loudEnough(said ?? echo);
  return said.map((sample, index) => Math.max(-32_768, Math.min(32_767, sample + echo[index]!)));
}

function loudEnough(frame: Int16Array | undefined): Int16Array | undefined {
  return frame?.some((sample) => Math.abs(sample) > QUIET) ? frame : undefined;
}
