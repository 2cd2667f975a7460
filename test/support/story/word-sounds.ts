/**
 * Words as sounds that can be told apart again after they went through Opus, fades and gaps: each is a pair of tones, as
 * on the keys of a telephone. So what a caller hears is heard, packet by packet, and not taken from what was to be sent.
 */

const STEP_HZ = 100;
const LOW_HZ = Array.from({ length: 12 }, (_, index) => 300 + index * STEP_HZ);
const HIGH_HZ = Array.from({ length: 20 }, (_, index) => 1600 + index * STEP_HZ);
/** Of a voice at full strength, where both tones have half of it each. */
export const LOUD = 8000;
/** Both tones have at least this share of the sound: else it is none of ours. */
const SHARE = 0.5;
const FRAME_MS = 20;

/** A word as it was said once; `ms` is a multiple of 20. */
export type SaidWord = { code: number; word: string; ms: number };

/** The words of one story. Each time that a word is said it has a sound of its own. */
export class WordSounds {
  readonly #said: SaidWord[] = [];

  say(text: string, paceMs?: number): SaidWord[] {
    return text
      .split(/\s+/)
      .filter(Boolean)
      .map((word) => this.#sayWord(word, paceMs));
  }

  /** @returns the word with this sound */
  word(code: number): SaidWord | undefined {
    return this.#said[code];
  }

  #sayWord(word: string, paceMs = wordMs(word)): SaidWord {
    const said = { code: this.#said.length, word, ms: paceMs };
    if (said.code >= LOW_HZ.length * HIGH_HZ.length) throw new Error('the story has more words than there are sounds');
    this.#said.push(said);
    return said;
  }
}

/** Some 150 words a minute. */
export function wordMs(word: string): number {
  return Math.ceil((100 + word.length * 45) / FRAME_MS) * FRAME_MS;
}

export function soundOf({ code, ms }: SaidWord, rateHz: number, amplitude = LOUD): Int16Array {
  const [low, high] = [LOW_HZ[code % LOW_HZ.length]!, HIGH_HZ[Math.floor(code / LOW_HZ.length)]!];
  const angle = (2 * Math.PI) / rateHz;
  return Int16Array.from(
    { length: (ms * rateHz) / 1000 },
    (_, n) => (amplitude / 2) * (Math.sin(angle * low * n) + Math.sin(angle * high * n)),
  );
}

/** A sound that is no word: noise, the same in every run. */
export function noise(ms: number, rateHz: number, amplitude = LOUD): Int16Array {
  let state = 1;
  return Int16Array.from({ length: (ms * rateHz) / 1000 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.round((state / 2 ** 31 - 1) * amplitude * 0.8);
  });
}

/** Which word sounds here; undefined: none does. */
export function codeOf(samples: ArrayLike<number>, rateHz: number): number | undefined {
  let energy = 0;
  for (let n = 0; n < samples.length; n++) energy += samples[n]! ** 2;
  const [low, high] = [strongest(samples, rateHz, LOW_HZ), strongest(samples, rateHz, HIGH_HZ)];
  // A tone of amplitude a has a power of (a·N/2)², and an energy of a²·N/2.
  const told = ((low.power + high.power) * 2) / samples.length;
  const balanced = Math.min(low.power, high.power) * 20 > Math.max(low.power, high.power);
  return balanced && told > energy * SHARE ? high.index * LOW_HZ.length + low.index : undefined;
}

/** Root of the mean square. */
export function levelOf(samples: ArrayLike<number>): number {
  let energy = 0;
  for (let n = 0; n < samples.length; n++) energy += samples[n]! ** 2;
  return Math.sqrt(energy / samples.length);
}

function strongest(samples: ArrayLike<number>, rateHz: number, tones: readonly number[]) {
  let best = { index: 0, power: -1 };
  for (const [index, hz] of tones.entries()) {
    const power = goertzel(samples, (2 * Math.PI * hz) / rateHz);
    if (power > best.power) best = { index, power };
  }
  return best;
}

function goertzel(samples: ArrayLike<number>, angle: number): number {
  const factor = 2 * Math.cos(angle);
  let [one, two] = [0, 0];
  for (let n = 0; n < samples.length; n++) [one, two] = [samples[n]! + factor * one - two, one];
  return one * one + two * two - factor * one * two;
}
