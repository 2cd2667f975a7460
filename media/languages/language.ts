/** What an agent needs to know of a language, beside what its models know. Data alone: a language is one file. */

/** What is said where no model is asked. A line of a text is a clause of its own. */
export type Texts = {
  /** Said first in a reply that is tried again. */
  oneMoment: string;
  /** Something was said, and no words were understood. */
  notUnderstood: string;
  /** A break took what the caller had said, and nobody answered it. */
  sayAgain: string;
  /** The caller's turn came to nothing. */
  apology: string;
  /** No recogniser is left for now. */
  cannotHear: string;
  /** Nothing works, and the call is over. */
  farewell: string;
  /** In the silence of a reply that stalls: the first time, and the second. */
  bridges: readonly string[];
  /** Asked one after another where the caller says nothing; the last one again and again. */
  areYouThere: readonly string[];
  /** Before the call is ended because the caller says nothing. */
  idleGoodbye: string;
  /** A little before the agent's limit for a conversation is reached. */
  timeIsShort: string;
  /** When it is reached. */
  timeIsUp: string;
};

/** Words that decide, in lower case and without apostrophes. */
export type DecidingWords = {
  /** Said to show that one listens. Other words with them make them a turn. */
  backchannels: ReadonlySet<string>;
  /** What asks for silence as a whole utterance, or at its beginning; tried on text in lower case. */
  stop: RegExp;
  /** Words after which a sentence goes on, and none that it may end with. */
  openEnds: ReadonlySet<string>;
  /** Words of which numbers are read out. */
  digits: ReadonlySet<string>;
  /** Words of one letter: alone they are no spelling. */
  letters: ReadonlySet<string>;
};

export type Language = { texts: Texts; words: DecidingWords };

/** A list with spaces between. */
export function words(...lists: string[]): ReadonlySet<string> {
  return new Set(lists.join(' ').split(/\s+/).filter(Boolean));
}
