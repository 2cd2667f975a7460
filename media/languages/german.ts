import type { Language } from './language.ts';

export const GERMAN: Language = {
  texts: {
    areYouThere: ['Sind Sie noch da?', 'Hallo?\nKönnen Sie mich hören?'],
    idleGoodbye: 'Ich höre niemanden mehr und lege deshalb auf.\nAuf Wiederhören.',
    timeIsShort: 'Übrigens, unsere Zeit ist gleich um.',
    timeIsUp: 'Unsere Zeit ist leider um.\nVielen Dank für das Gespräch. Auf Wiederhören.',
  },
};
