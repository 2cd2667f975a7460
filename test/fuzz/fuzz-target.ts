/** What is fuzzed: one thing that takes bytes from outside. */
import * as fc from 'fast-check';

export type FuzzTarget = {
  /** What is well formed, or nearly. Inputs that were kept are mutated beside it. */
  inputs: fc.Arbitrary<Buffer>;
  /** How inputs are mutated: as bytes, or as the JSON that they are. Default: bytes. */
  shape?: 'bytes' | 'json';
  /** What it keeps on purpose, and no more of, in bytes. Default: nothing. */
  keepsBytes?: number;
  /** Texts that mean something here, to be put into inputs. */
  words?: readonly string[];
  /**
   * Takes one input.
   * @returns in a few words what became of it: what has an outcome that is new is kept to be mutated
   * @throws what is a fault of ours; refusing an input is none
   */
  run: (input: Buffer) => string | Promise<string>;
  /** Idempotent. */
  close?: () => Promise<void>;
};

export type OpenTarget = () => FuzzTarget | Promise<FuzzTarget>;

/** Names that JavaScript gives a meaning, numbers at limits, and texts that confuse. */
export const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  2 ** 53,
  0.1,
  '',
  '__proto__',
  'constructor',
  '\u0000',
  '\ud800',
  'a'.repeat(5000),
  [],
  {},
  JSON.parse('{"__proto__":{"polluted":true}}'),
  { constructor: { prototype: { polluted: true } } },
  { toString: 1, valueOf: 1 },
  { length: 1e9 },
  [[[[[[]]]]]],
];

export const oddJson: fc.Arbitrary<unknown> = fc.oneof(fc.constantFrom(...ODD_VALUES), fc.jsonValue());

export const asJson = (values: fc.Arbitrary<unknown>): fc.Arbitrary<Buffer> =>
  values.map((value) => Buffer.from(JSON.stringify(value) ?? 'null'));

export const asText = (texts: fc.Arbitrary<string>): fc.Arbitrary<Buffer> => texts.map((text) => Buffer.from(text));

/** The JSON of an input that may have become none. */
export const jsonOf = (input: Buffer): unknown => {
  try {
    return JSON.parse(input.toString('utf8'));
  } catch {
    return undefined;
  }
};

/** Texts as they are, anything else as JSON: `String` fails for objects whose `toString` is no function. */
export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');

/** @throws {Error} where a name has found its way into what all objects share */
export const expectUnpolluted = (): void => {
  if ('polluted' in {}) throw new Error('the prototype of all objects was changed');
};

/** Resolves as `promise` does. @throws {Error} where that takes longer than anything may take here */
export const inTime = async <Value>(promise: Promise<Value>, what: string, withinMs = 20_000): Promise<Value> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), withinMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};
