/** Numbers and durations as English words, as a voice should read them. Pure. */

const SMALL = (
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen ' +
  'eighteen nineteen'
).split(' ');
const TENS = ['', '', 'twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];
const SCALES: readonly (readonly [number, string])[] = [
  [1e12, 'trillion'],
  [1e9, 'billion'],
  [1e6, 'million'],
  [1e3, 'thousand'],
];

/**
 * 550 → "five hundred and fifty", 2.1 → "two point one", −3 → "minus three".
 * @param decimals digits kept after the point; trailing zeros are not read. Default 0: rounded to a whole number
 * @throws RangeError for what is not a finite number below 10^15
 */
export function spokenNumber(value: number, decimals = 0): string {
  if (!Number.isFinite(value) || Math.abs(value) >= 1e15) throw new RangeError(`no words for ${value}`);
  const [whole = '0', fraction = ''] = Math.abs(value).toFixed(decimals).split('.');
  const digits = fraction.replace(/0+$/, '');
  const words = wholeNumber(Number(whole));
  const sign = value < 0 && (whole !== '0' || digits) ? 'minus ' : '';
  if (!digits) return sign + words;
  return `${sign}${words} point ${digits
    .split('')
    .map((digit) => SMALL[Number(digit)])
    .join(' ')}`;
}

export type SpokenDurationOptions = {
  /** 'seconds' are read to a tenth ("two point one seconds"), 'milliseconds' as whole ones. */
  unit: 'seconds' | 'milliseconds';
};

/** 2100 → "two point one seconds", 1000 → "one second", 550 → "five hundred and fifty milliseconds". */
export function spokenDuration(ms: number, { unit }: SpokenDurationOptions): string {
  const words = unit === 'seconds' ? spokenNumber(ms / 1000, 1) : spokenNumber(ms);
  const name = unit === 'seconds' ? 'second' : 'millisecond';
  return `${words} ${name}${words === 'one' ? '' : 's'}`;
}

function wholeNumber(value: number): string {
  if (value < 1000) return belowThousand(value);
  const [scale, name] = SCALES.find(([size]) => value >= size)!;
  const rest = value % scale;
  const head = `${wholeNumber(Math.floor(value / scale))} ${name}`;
  if (rest === 0) return head;
  return `${head} ${rest < 100 ? 'and ' : ''}${wholeNumber(rest)}`;
}

function belowThousand(value: number): string {
  if (value < 20) return SMALL[value]!;
  if (value < 100) {
    const ones = value % 10;
    return TENS[Math.floor(value / 10)]! + (ones ? `-${SMALL[ones]}` : '');
  }
  const rest = value % 100;
  return `${SMALL[Math.floor(value / 100)]} hundred${rest ? ` and ${belowThousand(rest)}` : ''}`;
}
