/** The encoder of a caller's browser: as Chromium sets Opus up for a microphone, which is not how the agent's voice is encoded. */
import { Encoder } from '@evan/opus';

const BITS_PER_SECOND = 32_000;
const COMPLEXITY = 5;

export class BrowserOpus {
  readonly #encoder: Encoder;

  constructor(rateHz: 16_000 | 24_000 | 48_000) {
    this.#encoder = new Encoder({ channels: 1, sample_rate: rateHz, application: 'voip' });
    this.#encoder.complexity = COMPLEXITY;
    this.#encoder.bitrate = BITS_PER_SECOND;
    this.#encoder.signal = 'voice';
  }

  /** One frame of 20 ms. */
  encode(frame: Int16Array): Uint8Array {
    return this.#encoder.encode(frame);
  }
}
