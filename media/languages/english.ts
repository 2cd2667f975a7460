import { words, type Language } from './language.ts';

export const ENGLISH: Language = {
  texts: {
    oneMoment: 'Sorry, one moment, please.',
    notUnderstood: 'Sorry, I did not catch that.\nCould you say it again?',
    sayAgain: 'Sorry, I lost that.\nPlease say it again.',
    apology: 'I am sorry, something went wrong.\nPlease say that again.',
    cannotHear: 'Sorry, I cannot hear you well at the moment.\nGive me a second.',
    farewell: 'I am sorry, this does not work at the moment.\nPlease try again later. Goodbye.',
    bridges: ['One moment, please.', 'I am still working on it.'],
    areYouThere: ['Are you still there?', 'Hello?\nCan you hear me?'],
    idleGoodbye: 'I cannot hear anybody, so I am going to hang up.\nGoodbye.',
    timeIsShort: 'By the way, our time is almost up.',
    timeIsUp: 'I am sorry, our time is up.\nThank you for talking to me. Goodbye.',
  },
  words: {
    backchannels: words(
      'mm mmm mhm mmhm hm hmm uh huh uhhuh um ah oh aha okay ok kay yes yeah yep yup right sure alright good great nice',
      'cool wow really exactly true indeed interesting got it i see of course gotcha understood fine',
    ),
    stop: /^(no[, ]+|okay[, ]+|please )?(stop|wait|hold on|hang on|one moment|be quiet|shut up|pause|enough|never mind)\b/,
    openEnds: words(
      'and or but so because if when while that which who with without for from to of in on at by the a an my your his',
      'her our their is are was were am be been have has had do does did will would can could should may might than as',
      'um uh er like about into then well i we you they he she it this these those maybe also plus',
    ),
    digits: words('zero oh one two three four five six seven eight nine ten double triple dash dot hyphen plus'),
    letters: words('a i'),
  },
};
