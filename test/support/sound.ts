/** Measures sound as a listener would: how loud, for how long, and whether it is what was said. */

/** Root mean square of the samples, 0…1. */
export function rms(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return samples.length === 0 ? 0 : Math.sqrt(sum / samples.length);
}

/** The loudness of each stretch of `stepMs`. */
export function envelope(samples: ArrayLike<number>, rateHz: number, stepMs = 10): Float32Array {
  const step = Math.round((rateHz * stepMs) / 1000);
  return Float32Array.from({ length: Math.floor(samples.length / step) }, (_, index) => {
    let sum = 0;
    for (let at = index * step; at < (index + 1) * step; at++) sum += samples[at]! ** 2;
    return Math.sqrt(sum / step);
  });
}

/** How long the sound is louder than `level`, in ms. */
export function loudMs({ samples, rateHz }: { samples: Float32Array; rateHz: number }, level = 0.01): number {
  return envelope(samples, rateHz).filter((loudness) => loudness > level).length * 10;
}

/**
 * How well `said` is found in `heard`: the best correlation of their loudness over time at any shift, −1…1, and where.
 * Waveforms do not survive two encodings and a noise suppressor; the rise and fall of a sentence does.
 */
export function findSpeech(
  heard: { samples: ArrayLike<number>; rateHz: number },
  said: { samples: ArrayLike<number>; rateHz: number },
): { correlation: number; atMs: number } {
  const where = envelope(heard.samples, heard.rateHz);
  const what = envelope(said.samples, said.rateHz);
  let best = { correlation: -1, atMs: 0 };
  for (let shift = 0; shift + what.length <= where.length; shift++) {
    const correlation = correlate(where.subarray(shift, shift + what.length), what);
    if (correlation > best.correlation) best = { correlation, atMs: shift * 10 };
  }
  return best;
}

function correlate(a: Float32Array, b: Float32Array): number {
  const meanA = mean(a);
  const meanB = mean(b);
  let product = 0;
  let squareA = 0;
  let squareB = 0;
  for (let index = 0; index < a.length; index++) {
    const fromA = a[index]! - meanA;
    const fromB = b[index]! - meanB;
    product += fromA * fromB;
    squareA += fromA * fromA;
    squareB += fromB * fromB;
  }
  return squareA > 0 && squareB > 0 ? product / Math.sqrt(squareA * squareB) : 0;
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
