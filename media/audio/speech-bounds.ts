/** Where speech begins and ends within a recording. Pure. */

/** Frames whose level is told; shorter ones would take single pulses of a deep voice for speech and silence. */
const FRAME_MS = 5;

/**
 * The first sample of what is speech, and the one after the last; undefined where all is silence.
 * @param rangeDb how far below the loudest frame a frame still counts as speech. Larger: soft consonants are kept, and
 * noise with them
 */
export function speechBounds(
  samples: Int16Array,
  sampleRateHz: number,
  rangeDb: number,
): { start: number; end: number } | undefined {
  const frame = Math.max(1, Math.round((sampleRateHz * FRAME_MS) / 1000));
  const levels: number[] = [];
  for (let from = 0; from < samples.length; from += frame) levels.push(power(samples.subarray(from, from + frame)));
  const loudest = levels.reduce((max, level) => Math.max(max, level), 0);
  if (loudest === 0) return undefined;
  const threshold = loudest * 10 ** (-rangeDb / 10);
  const start = levels.findIndex((level) => level >= threshold) * frame;
  const end = Math.min(samples.length, (levels.findLastIndex((level) => level >= threshold) + 1) * frame);
  return { start, end };
}

function power(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return sum / samples.length;
}
