/** What an agent needs to know of a language, beside what its models know. Data alone: a language is one file. */

/** What is said where no model is asked. A line of a text is a clause of its own. */
export type Texts = {
  /** Asked one after another where the caller says nothing; the last one again and again. */
  areYouThere: readonly string[];
  /** Before the call is ended because the caller says nothing. */
  idleGoodbye: string;
  /** A little before the agent's limit for a conversation is reached. */
  timeIsShort: string;
  /** When it is reached. */
  timeIsUp: string;
};

export type Language = {
  texts: Texts;
};
