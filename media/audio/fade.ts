/** Scales samples from one gain to another over the first `fadeSamples` of them. */
export function fade(samples: Int16Array, from: number, to: number, fadeSamples: number): void {
  for (let index = 0; index < samples.length; index++) {
    const share = index < fadeSamples ? index / fadeSamples : 1;
    samples[index] = samples[index]! * (from + (to - from) * share);
  }
}
