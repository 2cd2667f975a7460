/** What a caller's words do to the agent's speech: go on, stop, or let it finish. Pure. */
import { languageOf } from '../languages/languages.ts';

export type WordsKind =
  /** Nothing was said. */
  | 'none'
  /** Shows that the caller listens. */
  | 'backchannel'
  /** Asks for silence. */
  | 'stop'
  /** The beginning of something: one word that is no backchannel. */
  | 'beginning'
  /** Something of its own. */
  | 'other';

export function wordsOf(text: string): string[] {
  return (
    text
      .toLowerCase()
      .replace(/[’']/g, '')
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}

type KindOptions = { final?: boolean; asked?: boolean; language?: string | undefined };

/**
 * @param final no word of it will change
 * @param asked the agent has just asked something: then "yes" is an answer
 * @param language a BCP 47 tag
 */
export function kindOfWords(text: string, { final = false, asked = false, language }: KindOptions = {}): WordsKind {
  const { backchannels, stop } = languageOf(language).words;
  const words = wordsOf(text);
  if (words.length === 0) return 'none';
  if (stop.test(text.toLowerCase().trim())) return 'stop';
  const backchannel = words.every((word) => backchannels.has(word));
  if (backchannel) return asked && (final || words.length > 1) ? 'other' : 'backchannel';
  return final || words.length > 1 ? 'other' : 'beginning';
}

/** Who answers a question has heard as many words more by the time that the answer begins. */
const WORDS_AFTER_QUESTION = 3;
const QUESTION_OF_LATE = new RegExp(`\\?["'”’)]*(\\s+\\S+){0,${WORDS_AFTER_QUESTION}}\\s*$`);

/** Whether what was heard ends with a question, or has just gone on after one. */
export function hasJustAsked(heard: string): boolean {
  return QUESTION_OF_LATE.test(heard);
}

/** How much of what was heard lies in what the agent said of late: from here on it is taken for the agent's echo. */
const ECHO_SHARE = 0.65;
/** So many words later the echo of one has come back, and was recognised. */
const ECHO_LAG_WORDS = 6;
/** A single word may be said by both by chance. */
const ECHO_WORDS = 2;

/** Whether a first word, which alone proves nothing, may be the agent's: one of those that it said last. */
export function maybeEcho(text: string, agentSaid: string): boolean {
  const words = wordsOf(text);
  return words.length === 1 && wordsOf(agentSaid).slice(-ECHO_LAG_WORDS).includes(words[0]!);
}

/** Whether the words are the agent's own, come back through the caller's microphone. */
export function isEcho(text: string, agentSaid: string): boolean {
  const words = wordsOf(text);
  if (words.length < ECHO_WORDS) return false;
  const said = pairsOf(wordsOf(agentSaid));
  const found = words.slice(1).filter((word, index) => said.has(`${words[index]} ${word}`)).length;
  return found / (words.length - 1) >= ECHO_SHARE;
}

/**
 * The caller's own words of a turn that begins with the agent's: what was taken for its echo goes, as far as the agent said
 * it, and what the microphone heard of the agent's last words after the caller's. Words in between stay, whoever said them.
 * @param echoed what of the turn was an echo and nothing else, before more came
 */
export function withoutEcho(text: string, echoed: string, agentSaid: string): string {
  const tokens = [...text.matchAll(/['’]*[\p{L}\p{N}][\p{L}\p{N}'’]*/gu)];
  const [words, before, said] = [wordsOf(text), wordsOf(echoed), wordsOf(agentSaid)];
  if (tokens.length !== words.length) return text;
  const pairs = pairsOf(said);
  const changed = words.findIndex((word, index) => word !== before[index]);
  let from = changed < 0 ? words.length : changed;
  while (from > 0 && !pairs.has(`${words[from - 2]} ${words[from - 1]}`)) from--;
  if (from === 0) return text;
  const to = startOfEcho(words, from, ` ${said.slice(-ECHO_LAG_WORDS).join(' ')} `);
  if (from >= to) return text;
  return text.slice(tokens[from]!.index, tokens[to]?.index ?? text.length).trim();
}

/** Where the agent's last words begin at the end of a text; its length where they do not. */
function startOfEcho(words: readonly string[], from: number, last: string): number {
  for (let start = from; start <= words.length - ECHO_WORDS; start++) {
    if (last.includes(` ${words.slice(start).join(' ')} `)) return start;
  }
  return words.length;
}

function pairsOf(words: readonly string[]): Set<string> {
  return new Set(words.slice(1).map((word, index) => `${words[index]} ${word}`));
}
