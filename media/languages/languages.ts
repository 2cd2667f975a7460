/** The languages that there are. A new one is a file like `german.ts`, and a line here. */
import { ENGLISH } from './english.ts';
import { GERMAN } from './german.ts';
import type { Language } from './language.ts';

/** By the first part of a BCP 47 tag. */
const LANGUAGES: Readonly<Record<string, Language>> = { en: ENGLISH, de: GERMAN };

/** @param tag as `de-CH`; without one, and of languages that there are not, it is English */
export function languageOf(tag: string | undefined): Language {
  const name = tag?.split('-')[0] ?? 'en';
  return (Object.hasOwn(LANGUAGES, name) && LANGUAGES[name]) || ENGLISH;
}
