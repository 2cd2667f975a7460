/** Audio as the speech model takes it. */
import { WINDOW_SAMPLES } from '../../media/vad/silero.ts';

export const VAD_RATE_HZ = 16_000;

/** Whole windows of 16 kHz audio, −1…1. What does not fill one is left out. */
export function vadWindows(samples: Int16Array): Float32Array[] {
  return Array.from({ length: Math.floor(samples.length / WINDOW_SAMPLES) }, (_, index) =>
    Float32Array.from(
      samples.subarray(index * WINDOW_SAMPLES, (index + 1) * WINDOW_SAMPLES),
      (sample) => sample / 32_768,
    ),
  );
}

/** Noise that is the same in every run. */
export function noise(samples: number, amplitude: number, seed = 1): Int16Array {
  let state = seed >>> 0;
  return Int16Array.from({ length: samples }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.round((state / 2 ** 31 - 1) * amplitude);
  });
}
