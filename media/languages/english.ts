import type { Language } from './language.ts';

export const ENGLISH: Language = {
  texts: {
    areYouThere: ['Are you still there?', 'Hello?\nCan you hear me?'],
    idleGoodbye: 'I cannot hear anybody, so I am going to hang up.\nGoodbye.',
    timeIsShort: 'By the way, our time is almost up.',
    timeIsUp: 'I am sorry, our time is up.\nThank you for talking to me. Goodbye.',
  },
};
