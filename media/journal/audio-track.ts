/** One side of a call as a stream of Opus packets without gaps, at the times at which it was said. Pure. */
import { OggOpus } from './ogg-opus.ts';
import { opusSamples48k } from '../audio/opus-packet.ts';
import { timestampDistance } from '../rtp/rtp.ts';

const SAMPLES_PER_MS = 48;
/** 20 ms of digital silence: CELT, full band, mono (RFC 6716 §4.3); and six of them in one packet. */
const SILENCE = { packet: Uint8Array.of(0xf8, 0xff, 0xfe), samples48k: 960 };
const LONG_SILENCE = {
  packet: Uint8Array.of(0xfb, 6, ...Array.from({ length: 6 }, () => [0xff, 0xfe]).flat()),
  samples48k: 5_760,
};
/** Timestamps that lead further from the time of arrival than this are those of another stream of packets. */
const SAME_STREAM_SAMPLES = 48_000;

export class AudioTrack {
  readonly #ogg: OggOpus;
  readonly #startMs: number;
  /** From the start of the track, in samples at 48 kHz. */
  #written = 0;
  #last: { timestamp: number; at: number } | undefined;

  /** @param startMs when the track begins, on the clock of `nowMs` */
  constructor(serial: number, startMs: number) {
    this.#ogg = new OggOpus(serial);
    this.#startMs = startMs;
  }

  head(): Buffer {
    return this.#ogg.head();
  }

  /**
   * Packets in order; what lies between two is silence. One that comes when its time has been filled is left out.
   * @param timestamp of RTP
   * @returns what is to be written
   */
  packet(payload: Uint8Array, timestamp: number, nowMs: number): Buffer {
    const samples48k = opusSamples48k(payload);
    const at = this.#place(timestamp, nowMs);
    this.#last = { timestamp, at };
    if (samples48k === 0 || at <= this.#written - SILENCE.samples48k / 2) return Buffer.alloc(0);
    const pages = this.#fill(at);
    this.#written += samples48k;
    return Buffer.concat([...pages, this.#ogg.push(payload, samples48k)]);
  }

  /** All of it, up to now. */
  end(nowMs: number): Buffer {
    return Buffer.concat([...this.#fill((nowMs - this.#startMs) * SAMPLES_PER_MS), this.#ogg.end()]);
  }

  #place(timestamp: number, nowMs: number): number {
    const byArrival = Math.round((nowMs - this.#startMs) * SAMPLES_PER_MS);
    if (!this.#last) return byArrival;
    const at = this.#last.at + timestampDistance(this.#last.timestamp, timestamp);
    return Math.abs(at - byArrival) > SAME_STREAM_SAMPLES ? byArrival : at;
  }

  #fill(until: number): Buffer[] {
    const pages: Buffer[] = [];
    for (const { packet, samples48k } of [LONG_SILENCE, SILENCE]) {
      for (; this.#written + samples48k <= until; this.#written += samples48k) {
        pages.push(this.#ogg.push(packet, samples48k));
      }
    }
    return pages;
  }
}
