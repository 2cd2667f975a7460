/**
 * When the caller's sound ended, finer than the windows of the speech model: those are 32 ms long, and the model takes one
 * more for speech when all of it was over before. Loud is what comes near the loudest of late, so noise that is as loud as
 * a voice never ends. Pure; times are when samples were captured, in ms.
 */

/** Samples of a block at 16 kHz: 5 ms, a period of a low voice. Smaller: the pauses between its pulses count as quiet. */
const BLOCK_SAMPLES = 80;
const SAMPLES_PER_MS = 16;
/** A block is loud from 26 dB below the loudest on: the vowels of a sentence differ by 15. Lower: less is trimmed. */
const LOUD_PART = 0.05;
/** The loudest is forgotten by half in 1.4 s, for callers who turn away. */
const DECAY_A_BLOCK = 0.9975;
/** Nothing below this is a voice: −66 dB of full scale. */
const LEAST_LEVEL = 16;

export class SoundEnd {
  #loudest = 0;
  #loudUntilMs = -Infinity;
  #quietUntilMs = -Infinity;

  /** When the last loud block ended; −∞ before any. */
  get loudUntilMs(): number {
    return this.#loudUntilMs;
  }

  /** Whether sound has come back since `sinceMs`: loud now, after a quiet moment. */
  isBackSince(sinceMs: number): boolean {
    return this.#quietUntilMs > sinceMs && this.#loudUntilMs > this.#quietUntilMs;
  }

  /** @param samples 16 kHz mono @param untilMs when the last of them was captured */
  hear(samples: Int16Array, untilMs: number): void {
    const startMs = untilMs - samples.length / SAMPLES_PER_MS;
    for (let from = 0; from < samples.length; from += BLOCK_SAMPLES) {
      const to = Math.min(samples.length, from + BLOCK_SAMPLES);
      this.#block(levelOf(samples, from, to), startMs + to / SAMPLES_PER_MS);
    }
  }

  #block(level: number, endMs: number): void {
    this.#loudest = Math.max(level, this.#loudest * DECAY_A_BLOCK, LEAST_LEVEL);
    if (level >= this.#loudest * LOUD_PART) this.#loudUntilMs = endMs;
    else this.#quietUntilMs = endMs;
  }
}

function levelOf(samples: Int16Array, from: number, to: number): number {
  let sum = 0;
  for (let index = from; index < to; index++) sum += samples[index]! * samples[index]!;
  return Math.sqrt(sum / (to - from));
}
