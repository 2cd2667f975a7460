/** Opus as this server uses it: 20 ms mono frames, decoded to 16 kHz for the models, encoded for the agent's voice. */
import { Decoder, Encoder } from '@evan/opus';
import { enterNative, leaveNative } from '../runtime/native-calls.ts';

/** Rates at which the agent's voice is encoded. 24 kHz holds all that speech has; 48 kHz is for music. */
export type PlayoutRateHz = 24_000 | 48_000;

/** Samples of one 20 ms frame at `rateHz`. */
export function frameSamples(rateHz: number): number {
  return rateHz / 50;
}

/**
 * A frame of digital silence: CELT, full band, 20 ms, mono, with the silence flag (RFC 6716 §4.3). Unlike encoded
 * zeros or a missing packet, it leaves a decoder that was cut off in the middle of a word no noise to go on with.
 */
export const SILENT_FRAME = Uint8Array.of(0xf8, 0xff, 0xfe);

export class OpusDecoder {
  readonly #decoder: Decoder;
  /** The last packet's TOC byte: decoded alone it asks for a frame of concealment (RFC 6716 §4.4). */
  readonly #toc = new Uint8Array(1);
  #primed = false;

  /** @param rateHz the rate of the samples that come out; stereo is mixed down. */
  constructor(rateHz: 16_000 | 24_000 | 48_000) {
    this.#decoder = new Decoder({ channels: 1, sample_rate: rateHz });
  }

  /** Samples of one packet, or `undefined` when the packet is not valid Opus. The array is the caller's. */
  decode(payload: Uint8Array): Int16Array | undefined {
    if (payload.length === 0) return undefined;
    enterNative();
    try {
      const samples = asSamples(this.#decoder.decode(payload));
      // Code 0 (one frame) whatever the packet had: concealment goes frame by frame.
      this.#toc[0] = payload[0]! & 0xfc;
      this.#primed = true;
      return samples;
    } catch {
      // The bytes come from the caller's browser: what is no Opus is the same as lost.
      return undefined;
    } finally {
      leaveNative();
    }
  }

  /** One frame, as long as the last packet's frames, made up from what came before; `undefined` before any packet. */
  conceal(): Int16Array | undefined {
    if (!this.#primed) return undefined;
    enterNative();
    try {
      return asSamples(this.#decoder.decode(this.#toc));
    } catch {
      return undefined;
    } finally {
      leaveNative();
    }
  }

  reset(): void {
    this.#decoder.reset();
    this.#primed = false;
  }
}

type Complexity = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;
/**
 * Frames after a reset that refer to none before them: what the listener's decoder heard last is not what this encoder knows
 * of. Two, since the first one may be given only so that the second joins on to it.
 */
const INDEPENDENT_FRAMES = 2;

type Effort = { readonly complexity: Complexity };

export class OpusEncoder {
  readonly #encoder: Encoder;
  readonly #effort: Effort;
  #complexity: Complexity;
  /** So many more; −1 once frames refer to one another. */
  #independent = INDEPENDENT_FRAMES;

  /**
   * @param effort asked before each frame. Complexity 0…10: 5 takes about 30 µs a frame at 24 kHz; each step up costs
   *   5–20 % more for a little less noise.
   * @param bitrate bits per second; 32,000 is transparent for wideband speech (RFC 7587 §3.1.1 gives 16–20 kbit/s for
   *   wideband, 28–40 for full-band speech).
   */
  constructor(rateHz: PlayoutRateHz, effort: Effort = { complexity: 5 }, bitrate = 32_000) {
    this.#effort = effort;
    this.#complexity = effort.complexity;
    // Not 'voip' and 'voice', with which Opus models a throat (SILK, and CELT above 8 kHz) up to 64 kbit/s: at this rate
    // CELT alone is nearer to what was said and takes a quarter of the time (docs/performance.md).
    this.#encoder = new Encoder({ channels: 1, sample_rate: rateHz, application: 'audio' });
    this.#encoder.complexity = this.#complexity;
    this.#encoder.bitrate = bitrate;
    this.#encoder.signal = 'music';
  }

  /** One 20 ms frame. Throws on any other length: that is a mistake of ours. */
  encode(frame: Int16Array): Uint8Array {
    const { complexity } = this.#effort;
    if (complexity !== this.#complexity) this.#encoder.complexity = this.#complexity = complexity;
    if (this.#independent >= 0) this.#encoder.prediction_disabled = this.#independent-- > 0;
    enterNative();
    try {
      return this.#encoder.encode(frame);
    } finally {
      leaveNative();
    }
  }

  reset(): void {
    this.#encoder.reset();
    this.#independent = INDEPENDENT_FRAMES;
  }
}

function asSamples(bytes: Uint8Array): Int16Array {
  return new Int16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 1);
}
