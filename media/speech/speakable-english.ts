/** Numbers, prices, times, units and abbreviations of an English text as words. Pure. */
import { spokenNumber } from '../languages/spoken-numbers.ts';

const ABBREVIATIONS: readonly (readonly [RegExp, string])[] = [
  [/\be\.g\.,?/gi, 'for example'],
  [/\bi\.e\.,?/gi, 'that is'],
  [/\betc\./gi, 'and so on'],
  [/\bvs\./gi, 'versus'],
  [/\bapprox\./gi, 'about'],
  [/\bMr\./g, 'Mister'],
  [/\bMrs\./g, 'Missus'],
  [/\bDr\./g, 'Doctor'],
  [/\bNo\.\s?(?=\d)/g, 'number '],
];

const UNITS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  km: ['kilometre', 'kilometres'],
  cm: ['centimetre', 'centimetres'],
  mm: ['millimetre', 'millimetres'],
  kg: ['kilogram', 'kilograms'],
  mg: ['milligram', 'milligrams'],
  ml: ['millilitre', 'millilitres'],
  GB: ['gigabyte', 'gigabytes'],
  MB: ['megabyte', 'megabytes'],
  ms: ['millisecond', 'milliseconds'],
  '°C': ['degree Celsius', 'degrees Celsius'],
  '°F': ['degree Fahrenheit', 'degrees Fahrenheit'],
  '%': ['percent', 'percent'],
};
const CURRENCIES: Readonly<Record<string, readonly [one: string, many: string, part: string]>> = {
  $: ['dollar', 'dollars', 'cents'],
  '€': ['euro', 'euros', 'cents'],
  '£': ['pound', 'pounds', 'pence'],
};

const DIGITS = 'zero one two three four five six seven eight nine'.split(' ');
const NUMBER = String.raw`\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?`;
const PRICE = new RegExp(String.raw`([$€£])\s?(${NUMBER})(?![\d.]*\d)|(${NUMBER})\s?([€£])`, 'g');
const WITH_UNIT = new RegExp(String.raw`(?<![\w.])(${NUMBER})\s?(km|cm|mm|kg|mg|ml|GB|MB|ms|°C|°F|%)(?![\w])`, 'g');
const TIME = /\b([01]?\d|2[0-3]):([0-5]\d)(?:\s?([ap])\.?m\b\.?)?/gi;
/** Numbers that are read digit by digit: telephone numbers, codes, whatever is long and no amount. */
const DIGIT_GROUPS = /(?<![\w.,])\+?\d{2,}(?:[\s-]\d{2,}){2,}(?![\w])|(?<![\w.,])\+?\d{7,}(?![\w.,]\d)/g;
const PLAIN = new RegExp(String.raw`(?<![\w.])(${NUMBER})(?![\w]|[.,]\d)`, 'g');
const ORDINAL = /\b(\d{1,2})(st|nd|rd|th)\b/g;

const ORDINALS: Readonly<Record<string, string>> = {
  one: 'first',
  two: 'second',
  three: 'third',
  five: 'fifth',
  eight: 'eighth',
  nine: 'ninth',
  twelve: 'twelfth',
};

export function englishSpeakable(text: string): string {
  let spoken = text;
  for (const [pattern, whole] of ABBREVIATIONS) spoken = spoken.replace(pattern, whole);
  return spoken
    .replace(PRICE, (_, sign: string, amount: string, amountFirst: string, signLast: string) =>
      price(amount ?? amountFirst, sign ?? signLast),
    )
    .replace(WITH_UNIT, (_, amount: string, unit: string) => {
      const [one, many] = UNITS[unit]!;
      return `${words(amount)} ${Number(amount.replaceAll(',', '')) === 1 ? one : many}`;
    })
    .replace(TIME, (_, hour: string, minute: string, half?: string) => time(Number(hour), minute, half))
    .replace(DIGIT_GROUPS, digitByDigit)
    .replace(ORDINAL, (_, number: string) => ordinal(Number(number)))
    .replace(PLAIN, (number) => (/^(1[1-9]|20)\d\d$/.test(number) ? year(number) : words(number)));
}

function words(amount: string): string {
  const plain = amount.replaceAll(',', '');
  if (plain.length > 15) return digitByDigit(plain);
  const [, decimals = ''] = plain.split('.');
  return spokenNumber(Number(plain), decimals.length);
}

function price(amount: string, sign: string): string {
  const [one, many, part] = CURRENCIES[sign]!;
  const [whole = '0', cents = ''] = amount.replaceAll(',', '').split('.');
  if (cents !== '' && cents.length !== 2) return `${words(amount)} ${many}`;
  const units = `${words(whole)} ${Number(whole) === 1 ? one : many}`;
  if (Number(cents) === 0) return units;
  const parts = `${spokenNumber(Number(cents))} ${Number(cents) === 1 ? part.replace(/s$/, '').replace('pence', 'penny') : part}`;
  return Number(whole) === 0 ? parts : `${units} and ${parts}`;
}

function time(hour: number, minute: string, half: string | undefined): string {
  const suffix = half ? ` ${half.toLowerCase()} m` : '';
  const hours = spokenNumber(hour);
  if (minute === '00') return half ? `${hours}${suffix}` : `${hours} o'clock`;
  return `${hours} ${minute.startsWith('0') ? 'oh ' : ''}${spokenNumber(Number(minute))}${suffix}`;
}

function digitByDigit(text: string): string {
  return text
    .replace('+', 'plus ')
    .replace(/\d+/g, (group) => Array.from(group, (digit) => DIGITS[Number(digit)]).join(' '))
    .replace(/\s*-\s*|(?<=[a-z]) (?= )/g, ', ')
    .trim();
}

function year(digits: string): string {
  const [century, rest] = [Number(digits.slice(0, 2)), Number(digits.slice(2))];
  if (century === 20 && rest < 10) return spokenNumber(Number(digits));
  if (rest === 0) return `${spokenNumber(century)} hundred`;
  return `${spokenNumber(century)} ${rest < 10 ? 'oh ' : ''}${spokenNumber(rest)}`;
}

function ordinal(number: number): string {
  const spoken = spokenNumber(number);
  const last = /[a-z]+$/.exec(spoken)![0];
  const changed =
    ORDINALS[last] ?? (last.endsWith('y') ? `${last.slice(0, -1)}ieth` : last.endsWith('t') ? `${last}h` : `${last}th`);
  return spoken.slice(0, -last.length) + changed;
}
