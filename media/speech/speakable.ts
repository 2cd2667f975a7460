/**
 * What a model writes, as a voice should say it: markup goes, and numbers, prices, times, units and abbreviations become
 * words. English and German; other languages keep theirs, for a voice reads its own language best. Pure.
 */
import { englishSpeakable } from './speakable-english.ts';
import { germanSpeakable } from './speakable-german.ts';

/** By the first part of a BCP 47 tag. */
const LANGUAGES: Readonly<Record<string, (text: string) => string>> = { en: englishSpeakable, de: germanSpeakable };

/** @param language a BCP 47 tag; without one English */
export function speakable(text: string, language = 'en'): string {
  const plain = withoutMarkup(text);
  const name = language.split('-')[0]!.toLowerCase();
  return Object.hasOwn(LANGUAGES, name) ? LANGUAGES[name]!(plain) : plain;
}

/** Markdown and addresses are read by the eye only. */
function withoutMarkup(text: string): string {
  return text
    .replace(/```[^`]*```/g, ' ')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/https?:\/\/(www\.)?([^\s/]+)\S*/g, '$2')
    .replace(/(\*\*|__|~~|`)/g, '')
    .replace(/(^|\s)[*_](\S[^*_]*\S|\S)[*_](?=\W|$)/g, '$1$2')
    .replace(/^\s{0,3}(#{1,6}|>|[-*+•])\s+/gm, '')
    .replace(/\p{Extended_Pictographic}\uFE0F?/gu, '')
    .replace(/<\/?[a-z][^>]*>/gi, '')
    .replace(/[ \t]{2,}/g, ' ')
    .trim();
}
