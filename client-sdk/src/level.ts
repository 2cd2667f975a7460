/** Where a meter begins: quiet rooms are below, so that it rests at 0. */
const floorDb = -60;
/** Where a meter is full: loud speech close to the microphone peaks around here. */
const ceilingDb = -12;

/** Root mean square of samples between -1 and 1. */
export function rootMeanSquare(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return samples.length === 0 ? 0 : Math.sqrt(sum / samples.length);
}

/** A loudness for meters, 0…1, from a root mean square: even steps to the ear, which hears in decibels. */
export function meterLevel(rms: number): number {
  if (rms <= 0) return 0;
  const db = 20 * Math.log10(rms);
  return Math.min(1, Math.max(0, (db - floorDb) / (ceilingDb - floorDb)));
}
