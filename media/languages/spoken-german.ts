/** Numbers as German words, as a voice should read them. Pure. */

const SMALL = (
  'null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn ' +
  'achtzehn neunzehn'
).split(' ');
const TENS = ['', '', 'zwanzig', 'dreißig', 'vierzig', 'fünfzig', 'sechzig', 'siebzig', 'achtzig', 'neunzig'];
const SCALES: readonly (readonly [size: number, one: string, many: string])[] = [
  [1e12, 'eine Billion', 'Billionen'],
  [1e9, 'eine Milliarde', 'Milliarden'],
  [1e6, 'eine Million', 'Millionen'],
];
/** Stems of ordinals that are not made from the number. */
const ORDINALS: Readonly<Record<number, string>> = { 1: 'erst', 3: 'dritt', 7: 'siebt', 8: 'acht' };

/**
 * 21 → "einundzwanzig", 2.5 → "zwei Komma fünf", −3 → "minus drei".
 * @param decimals digits kept after the comma; trailing zeros are not read. Default 0: rounded to a whole number
 * @throws RangeError for what is not a finite number below 10^15
 */
export function germanNumber(value: number, decimals = 0): string {
  if (!Number.isFinite(value) || Math.abs(value) >= 1e15) throw new RangeError(`no words for ${value}`);
  const [whole = '0', fraction = ''] = Math.abs(value).toFixed(decimals).split('.');
  const digits = fraction.replace(/0+$/, '');
  const sign = value < 0 && (Number(whole) > 0 || digits) ? 'minus ' : '';
  const words = sign + wholeNumber(Number(whole));
  return digits ? `${words} Komma ${germanDigits(digits)}` : words;
}

/** Digit by digit. @param digits nothing but digits */
export function germanDigits(digits: string): string {
  return Array.from(digits, (digit) => SMALL[Number(digit)]).join(' ');
}

/** 1984 → "neunzehnhundertvierundachtzig": years, and what else is counted in hundreds. @param value 1100 to 1999 */
export function germanHundreds(value: number): string {
  const rest = value % 100;
  return `${SMALL[Math.floor(value / 100)]}hundert${rest ? belowHundred(rest) : ''}`;
}

/** 3 → "dritt", to which the ending of its case comes: "der dritte", "am dritten". @param value 1 to 99 */
export function germanOrdinal(value: number): string {
  return ORDINALS[value] ?? `${belowHundred(value)}${value < 20 ? 't' : 'st'}`;
}

function wholeNumber(value: number): string {
  const scale = SCALES.find(([size]) => value >= size);
  if (!scale) return belowMillion(value);
  const [size, one, many] = scale;
  const [count, rest] = [Math.floor(value / size), value % size];
  const head = count === 1 ? one : `${belowMillion(count)} ${many}`;
  return rest === 0 ? head : `${head} ${wholeNumber(rest)}`;
}

function belowMillion(value: number): string {
  if (value < 1000) return belowThousand(value);
  const rest = value % 1000;
  return `${before(belowThousand(Math.floor(value / 1000)))}tausend${rest ? belowThousand(rest) : ''}`;
}

function belowThousand(value: number): string {
  if (value < 100) return belowHundred(value);
  const rest = value % 100;
  return `${before(SMALL[Math.floor(value / 100)]!)}hundert${rest ? belowHundred(rest) : ''}`;
}

function belowHundred(value: number): string {
  if (value < 20) return SMALL[value]!;
  const ones = value % 10;
  return `${ones ? `${before(SMALL[ones]!)}und` : ''}${TENS[Math.floor(value / 10)]}`;
}

/** "eins" within a word is "ein": einundzwanzig, einhundert, einundzwanzigtausend, hunderteintausend. */
const before = (words: string): string => words.replace(/eins$/, 'ein');
