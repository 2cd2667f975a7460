/** What every language model is told beside its agent's prompt, for its words are heard and not read. */
export const SPOKEN_STYLE =
  'You are talking with the caller by voice. Answer in one to three short sentences of plain spoken language, without lists, ' +
  'headings, markup, emoji or addresses of web pages. What the caller said comes from speech recognition and may be ' +
  'slightly wrong: go by what was likely meant, and ask where it matters.';
