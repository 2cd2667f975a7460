/**
 * Numbers, prices, times, dates, units and abbreviations of a German text as words. A single "1" before a noun is left to
 * the voice, which knows whether it is "ein" or "eine". Pure.
 */
import { germanDigits, germanHundreds, germanNumber, germanOrdinal } from '../languages/spoken-german.ts';

/** Written without spaces, or with one after each full stop. */
const SHORT: readonly (readonly [written: string, spoken: string])[] = [
  ['z.B.', 'zum Beispiel'],
  ['d.h.', 'das heißt'],
  ['u.a.', 'unter anderem'],
  ['u.U.', 'unter Umständen'],
  ['v.a.', 'vor allem'],
  ['o.Ä.', 'oder Ähnliches'],
  ['i.d.R.', 'in der Regel'],
  ['usw.', 'und so weiter'],
  ['etc.', 'et cetera'],
  ['bzw.', 'beziehungsweise'],
  ['ca.', 'circa'],
  ['ggf.', 'gegebenenfalls'],
  ['evtl.', 'eventuell'],
  ['inkl.', 'inklusive'],
  ['zzgl.', 'zuzüglich'],
  ['vgl.', 'vergleiche'],
  ['Nr.', 'Nummer'],
  ['Tel.', 'Telefon'],
  ['Dr.', 'Doktor'],
  ['Prof.', 'Professor'],
  ['Hr.', 'Herr'],
  ['Std.', 'Stunden'],
  ['Min.', 'Minuten'],
  ['Mio.', 'Millionen'],
  ['Mrd.', 'Milliarden'],
  ['MwSt.', 'Mehrwertsteuer'],
];
const ABBREVIATIONS = SHORT.map(([written, spoken]) => {
  const pattern = written.replaceAll('.', String.raw`\.\s?`).replace(/\\s\?$/, '');
  return [new RegExp(String.raw`(?<![\p{L}\p{N}])${pattern}`, 'gu'), spoken] as const;
});

type Unit = readonly [article: 'ein' | 'eine', one: string, many: string];
const UNITS: Readonly<Record<string, Unit>> = {
  'km/h': ['ein', 'Kilometer pro Stunde', 'Kilometer pro Stunde'],
  km: ['ein', 'Kilometer', 'Kilometer'],
  cm: ['ein', 'Zentimeter', 'Zentimeter'],
  mm: ['ein', 'Millimeter', 'Millimeter'],
  'm²': ['ein', 'Quadratmeter', 'Quadratmeter'],
  m: ['ein', 'Meter', 'Meter'],
  kg: ['ein', 'Kilogramm', 'Kilogramm'],
  mg: ['ein', 'Milligramm', 'Milligramm'],
  g: ['ein', 'Gramm', 'Gramm'],
  ml: ['ein', 'Milliliter', 'Milliliter'],
  l: ['ein', 'Liter', 'Liter'],
  kWh: ['eine', 'Kilowattstunde', 'Kilowattstunden'],
  GB: ['ein', 'Gigabyte', 'Gigabyte'],
  MB: ['ein', 'Megabyte', 'Megabyte'],
  ms: ['eine', 'Millisekunde', 'Millisekunden'],
  h: ['eine', 'Stunde', 'Stunden'],
  min: ['eine', 'Minute', 'Minuten'],
  '°C': ['ein', 'Grad Celsius', 'Grad Celsius'],
  '°F': ['ein', 'Grad Fahrenheit', 'Grad Fahrenheit'],
  '°': ['ein', 'Grad', 'Grad'],
  '%': ['ein', 'Prozent', 'Prozent'],
};
const CURRENCIES: Readonly<Record<string, readonly [whole: string, part: string]>> = {
  '€': ['Euro', 'Cent'],
  EUR: ['Euro', 'Cent'],
  Euro: ['Euro', 'Cent'],
  $: ['Dollar', 'Cent'],
  USD: ['Dollar', 'Cent'],
  '£': ['Pfund', 'Pence'],
  CHF: ['Franken', 'Rappen'],
};
const MONTHS = 'Januar Februar März April Mai Juni Juli August September Oktober November Dezember'.split(' ');

const NUMBER = String.raw`\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+(?:,\d+)?`;
/** Also with a full stop before the cents, and a dash in their place. */
const AMOUNT = String.raw`\d{1,3}(?:\.\d{3})+(?:,\d\d|,[-–—]+)?|\d+(?:[.,]\d\d?|,[-–—]+)?`;
const NO_MORE = String.raw`(?![\d\p{L}]|[.,]\d)`;
const PRICE = new RegExp(
  String.raw`(?<![\p{L}\d.,])(?:(${AMOUNT})\s?(€|EUR|Euro|\$|USD|£|CHF)(?![\p{L}\d])|(€|EUR|\$|USD|£|CHF)\s?(${AMOUNT})${NO_MORE})`,
  'gu',
);
const WITH_UNIT = new RegExp(
  String.raw`(?<![\p{L}\d.,])(${NUMBER})\s?(km\/h|km|cm|mm|m²|m|kg|mg|g|ml|l|kWh|GB|MB|ms|h|min|°C|°F|°|%)(?![\p{L}\d/²])`,
  'gu',
);
const PLAIN = new RegExp(String.raw`(?<![\p{L}\d.,])(${NUMBER})${NO_MORE}`, 'gu');
const TIME =
  /(?<![\p{L}\d.,:])([01]?\d|2[0-4])(?::([0-5]\d)(?![:\d])(?:\s?Uhr(?!\p{L}))?|(?:\.([0-5]\d))?\s?Uhr(?!\p{L}))/gu;
const MONTH = String.raw`Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember`;
const BEFORE = String.raw`(?<![\p{L}\d.,])(?:(\p{L}+)( +))?`;
const DATE = new RegExp(
  String.raw`${BEFORE}(0?[1-9]|[12]\d|3[01])\.\s?(0?[1-9]|1[0-2])\.(?:\s?(\d{4})(?!\d)|(\d\d)(?!\d)|(?![\d\p{L}]))`,
  'gu',
);
const ISO_DATE = /(?<![\p{L}\d-])(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?![\p{L}\d-])/gu;
const DAY_OF_MONTH = new RegExp(String.raw`${BEFORE}(0?[1-9]|[12]\d|3[01])\.(?=\s?(?:${MONTH})(?!\p{L}))`, 'gu');
/** "3. bis 5. Mai", "3. und 4. Mai": the first one, too. */
const DAY_OF_RANGE = new RegExp(
  String.raw`${BEFORE}(0?[1-9]|[12]\d|3[01])\.(?= (?:bis|und|oder)(?: zum)? \d{1,2}\.\s?(?:${MONTH}|\d))`,
  'gu',
);
/** "im 2. Stock"; without such a word before it, a number with a full stop may be the end of a sentence. */
const RANK =
  /(?<!\p{L})((?:(?:in|an|auf|mit|von|zu|bei|aus|nach|seit|vor) )?(?:im|am|zum|zur|vom|beim|der|die|das|dem|den|des|ins|ans)) ([1-9]\d?)\.(?= \p{L})/giu;
/** "3–5 Tage", "9-17 Uhr". */
const RANGE = /(?<![\p{L}\d.,–-])(\d{1,4}(?:,\d+)?)\s?(?:–|-(?=\d{1,4} ?(?:%|€|\p{L})))\s?(?=\d{1,4}(?![\d–-]))/gu;
const DIGIT_GROUPS =
  /(?<![\p{L}\d.,])(?:\+\d+(?:[\s/-]\d+)*|0\d+(?:[\s/-]\d+)*|\d{2,}(?:[\s/-]\d{2,}){2,}|\d{7,})(?![\p{L}\d]|[.,]\d)/gu;
/** These go with "eins"; other words after a single 1 may be what it counts. */
const AFTER_ONE = /^ (?:bis|und|oder|von|zu|plus|minus|mal|ist|war|Prozent)(?!\p{L})/u;
/** After these an ordinal ends in -n; after "der", "die", "das" in -e; else in -r. */
const OBLIQUE = /^(?:am|im|vom|zum|zur|beim|ans|dem|den|des|ab|bis|seit|nach|vor|von|zwischen|ins)$/i;

export function germanSpeakable(text: string): string {
  let spoken = joined(text);
  for (const [pattern, whole] of ABBREVIATIONS) {
    spoken = spoken.replace(pattern, (written: string, at: number, all: string) =>
      all.length > at + written.length ? whole : `${whole}.`,
    );
  }
  return spoken
    .replace(/(?<=\p{L})str\.(?=\s|$)/gu, 'straße')
    .replace(/(?<!\p{L})Fr\.(?= \p{Lu})/gu, 'Frau')
    .replace(/§ ?(?=\d)/g, 'Paragraf ')
    .replace(/ & /g, ' und ')
    .replace(ISO_DATE, (_, year: string, month: string, day: string) => `${day}.${month}.${year}`)
    .replace(DATE, (_, word = '', gap = '', day: string, month: string, year?: string, short?: string) =>
      date(word as string, gap as string, day, month, year ?? short),
    )
    .replace(
      DAY_OF_RANGE,
      (_, word = '', gap = '', day: string) => `${word}${gap}${inCase(Number(day), word as string)}`,
    )
    .replace(
      DAY_OF_MONTH,
      (_, word = '', gap = '', day: string) => `${word}${gap}${inCase(Number(day), word as string)}`,
    )
    .replace(RANK, (_, before: string, number: string) => `${before} ${inCase(Number(number), caseWord(before))}`)
    .replace(RANGE, '$1 bis ')
    .replace(/(?<![\p{L}\d.,)-])[-−](?=\d)/gu, 'minus ')
    .replace(PRICE, (_, amount?: string, sign?: string, signFirst?: string, amountLast?: string) =>
      price((amount ?? amountLast)!, (sign ?? signFirst)!),
    )
    .replace(TIME, (_, hour: string, minute?: string, other?: string) =>
      time(Number(hour), Number(minute ?? other ?? 0)),
    )
    .replace(WITH_UNIT, (_, amount: string, unit: string) => withUnit(amount, unit))
    .replace(DIGIT_GROUPS, digitByDigit)
    .replace(PLAIN, (number, _, at: number, all: string) => plain(number, all.slice(at + number.length)))
    .replaceAll('€', 'Euro');
}

/** Spaces and apostrophes between thousands go, and hard spaces are spaces. */
function joined(text: string): string {
  return text.replace(/(?<=\d)[\u00a0\u202f\u2009'’](?=\d{3}(?!\d))/g, '').replace(/[\u00a0\u202f\u2009]/g, ' ');
}

function plain(number: string, rest: string): string {
  if (number === '1' && /^ \p{L}/u.test(rest) && !AFTER_ONE.test(rest)) return number;
  return /^1[1-9]\d\d$/.test(number) ? germanHundreds(Number(number)) : words(number);
}

function words(amount: string): string {
  const bare = amount.replaceAll('.', '').replace(',', '.');
  if (bare.length > 15) return digitByDigit(bare);
  return germanNumber(Number(bare), bare.split('.')[1]?.length ?? 0);
}

function withUnit(amount: string, unit: string): string {
  const [article, one, many] = UNITS[unit]!;
  return amount === '1' ? `${article} ${one}` : `${words(amount)} ${many}`;
}

function price(amount: string, sign: string): string {
  const [unit, part] = CURRENCIES[sign]!;
  const [, whole = '0', cents = ''] = /^(.*?)(?:[.,](\d\d?|[-–—]+))?$/.exec(amount)!;
  if (/^\d$/.test(cents)) return `${words(`${whole},${cents}`)} ${unit}`;
  const parts = Number(cents) || 0;
  const counted = (value: string) => (Number(value) === 1 ? 'ein' : words(value));
  if (parts === 0) return `${counted(whole)} ${unit}`;
  if (Number(whole) === 0) return `${counted(String(parts))} ${part}`;
  return `${counted(whole)} ${unit} ${germanNumber(parts)}`;
}

function time(hour: number, minute: number): string {
  return `${hour === 1 ? 'ein' : germanNumber(hour)} Uhr${minute === 0 ? '' : ` ${germanNumber(minute)}`}`;
}

function date(word: string, gap: string, day: string, month: string, year: string | undefined): string {
  const spoken = `${word}${gap}${inCase(Number(day), word)} ${MONTHS[Number(month) - 1]}`;
  if (year === undefined) return spoken;
  const value = Number(year);
  return `${spoken} ${value >= 1100 && value < 2000 ? germanHundreds(value) : germanNumber(value)}`;
}

/** An ordinal, with the ending that goes with the word before it. */
function inCase(value: number, word: string): string {
  const ending = OBLIQUE.test(word) ? 'en' : /^(?:der|die|das)$/i.test(word) ? 'e' : 'er';
  return germanOrdinal(value) + ending;
}

/** "in der 2. Etage" is no nominative, as "der 2. Gang" is. */
function caseWord(before: string): string {
  const [first = '', article] = before.split(' ');
  return article?.toLowerCase() === 'der' ? 'dem' : (article ?? first);
}

function digitByDigit(text: string): string {
  const groups = text.split(/[\s/-]+/).filter(Boolean);
  return groups.map((group) => group.replace('+', 'plus ').replace(/\d+/g, germanDigits)).join(', ');
}
