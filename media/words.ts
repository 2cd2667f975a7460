/** What a caller's words do to the agent's speech: go on, stop, or let it finish. English; pure. */

/** Said to show that one listens. Other words with them make them a turn. */
const BACKCHANNELS = new Set(
  (
    'mm mmm mhm mmhm hm hmm uh huh uhhuh um ah oh aha okay ok kay yes yeah yep yup right sure alright good great nice cool ' +
    'wow really exactly true indeed interesting got it i see of course gotcha understood fine'
  ).split(' '),
);
/** As whole utterances, or at their beginning, they ask for silence. */
const STOP =
  /^(no[, ]+|okay[, ]+|please )?(stop|wait|hold on|hang on|one moment|be quiet|shut up|pause|enough|never mind)\b/;

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

/**
 * @param final no word of it will change
 * @param asked the agent has just asked something: then "yes" is an answer
 */
export function kindOfWords(text: string, { final = false, asked = false } = {}): WordsKind {
  const words = wordsOf(text);
  if (words.length === 0) return 'none';
  if (STOP.test(text.toLowerCase().trim())) return 'stop';
  const backchannel = words.every((word) => BACKCHANNELS.has(word));
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
  const said = wordsOf(agentSaid);
  const pairs = new Set(said.slice(1).map((word, index) => `${said[index]} ${word}`));
  const found = words.slice(1).filter((word, index) => pairs.has(`${words[index]} ${word}`)).length;
  return found / (words.length - 1) >= ECHO_SHARE;
}
