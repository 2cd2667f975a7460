/** Small changes to inputs that were worth keeping. Pure: the same seed gives the same changes. */
import { ODD_VALUES } from './fuzz-target.ts';
import type { Random } from './random.ts';

export type Mutable = { shape?: 'bytes' | 'json'; words?: readonly string[] };

/** Longer inputs are cut: what takes them has limits of its own, which these are above. */
const MAX_BYTES = 300_000;
/** At the edges of what 7, 8, 15 and 16 bits hold, with and without a sign. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff];
const REPEATS = [2, 10, 100, 5_000];

/** One to four changes in a row. @param other another input, to take parts of */
export function mutate(input: Buffer, other: Buffer, { shape, words = [] }: Mutable, random: Random): Buffer {
  let changed = input;
  for (let left = 1 + random.below(4); left > 0; left--) {
    const asJson = shape === 'json' && random.below(8) > 0 ? mutateJson(changed, random) : undefined;
    changed = asJson ?? mutateBytes(changed, other, words, random);
  }
  return changed.subarray(0, MAX_BYTES);
}

function mutateBytes(input: Buffer, other: Buffer, words: readonly string[], random: Random): Buffer {
  const at = random.below(input.length + 1);
  const end = Math.min(input.length, at + 1 + random.below(random.pick([2, 8, 64])));
  const before = input.subarray(0, at);
  const part = input.subarray(at, end);
  const after = input.subarray(end);
  switch (random.below(9)) {
    case 0:
      return changedByte(input, at, (byte) => byte ^ (1 << random.below(8)));
    case 1:
      return changedByte(input, at, () => random.pick(EDGES));
    case 2:
      return Buffer.concat([before, after]);
    case 3:
      return Buffer.concat([before, part, part, after]);
    case 4:
      return Buffer.concat([before, Buffer.from(Array.from({ length: 1 + random.below(8) }, () => random.below(256)))]);
    case 5:
      return Buffer.concat([before, other.subarray(random.below(other.length + 1))]);
    case 6:
      return Buffer.concat([before, Buffer.from(words.length > 0 ? random.pick(words) : ''), input.subarray(at)]);
    case 7:
      return Buffer.concat([before, ...repeated(part, random.pick(REPEATS)), after]);
    default:
      return before;
  }
}

function changedByte(input: Buffer, at: number, change: (byte: number) => number): Buffer {
  if (at >= input.length) return input;
  const changed = Buffer.from(input);
  changed[at] = change(changed[at]!);
  return changed;
}

function repeated(part: Buffer, times: number): Buffer[] {
  const most = Math.max(1, Math.floor(MAX_BYTES / Math.max(1, part.length)));
  return Array<Buffer>(Math.min(times, most)).fill(part);
}

type Place = { holder: Record<string, unknown>; key: string };

/** @returns undefined where the input is no JSON, or there is nothing to change in it */
function mutateJson(input: Buffer, random: Random): Buffer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(input.toString('utf8'));
  } catch {
    // A mutation of its bytes has made it so.
    return undefined;
  }
  const root = { root: value };
  const places = placesIn(root);
  const { holder, key } = random.pick(places);
  const former = holder[key];
  switch (random.below(6)) {
    case 0:
      delete holder[key];
      break;
    case 1:
      holder[key] = random.pick(ODD_VALUES);
      break;
    case 2:
      holder[key] = structuredClone(random.pick(places).holder);
      break;
    case 3:
      holder[Array.isArray(holder) ? '0' : random.pick(['extra', 'toString', 'length', key.toUpperCase()])] = former;
      break;
    case 4:
      holder[key] = Array.isArray(former) ? [...former, ...former, ...former] : [former];
      break;
    default:
      holder[key] = nudged(former, random);
  }
  const text = JSON.stringify(root.root);
  return text === undefined ? undefined : Buffer.from(text);
}

function nudged(value: unknown, random: Random): unknown {
  if (typeof value === 'number') return random.pick([value + 1, -value, value / 3, value * 1e6, String(value)]);
  if (typeof value === 'string') return random.pick([value.slice(1), `${value} `, value.repeat(100), value.length]);
  if (typeof value === 'boolean') return !value;
  return random.pick(ODD_VALUES);
}

/** Every field there is, each as likely as the others. */
function placesIn(root: Record<string, unknown>): Place[] {
  const places: Place[] = [];
  const holders = [root];
  for (let holder = holders.pop(); holder; holder = holders.pop()) {
    for (const [key, value] of Object.entries(holder)) {
      places.push({ holder, key });
      if (typeof value === 'object' && value !== null) holders.push(value as Record<string, unknown>);
    }
  }
  return places;
}
