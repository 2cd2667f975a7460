import { words, type Language } from './language.ts';

export const GERMAN: Language = {
  texts: {
    oneMoment: 'Entschuldigung, einen Moment bitte.',
    notUnderstood: 'Entschuldigung, das habe ich nicht verstanden.\nKönnen Sie es bitte noch einmal sagen?',
    sayAgain: 'Entschuldigung, das ist mir entgangen.\nBitte sagen Sie es noch einmal.',
    apology: 'Es tut mir leid, da ist etwas schiefgegangen.\nBitte sagen Sie das noch einmal.',
    cannotHear: 'Entschuldigung, ich höre Sie gerade nicht gut.\nEinen Augenblick bitte.',
    farewell: 'Es tut mir leid, das geht im Moment nicht.\nBitte versuchen Sie es später noch einmal. Auf Wiederhören.',
    bridges: ['Einen Moment bitte.', 'Ich bin noch dabei.'],
    areYouThere: ['Sind Sie noch da?', 'Hallo?\nKönnen Sie mich hören?'],
    idleGoodbye: 'Ich höre niemanden mehr und lege deshalb auf.\nAuf Wiederhören.',
    timeIsShort: 'Übrigens, unsere Zeit ist gleich um.',
    timeIsUp: 'Unsere Zeit ist leider um.\nVielen Dank für das Gespräch. Auf Wiederhören.',
  },
  words: {
    backchannels: words(
      'mm mmm mhm mmhm hm hmm äh ähm ah ach aha oh ok okay ja jaja jo joa jep jawohl genau richtig stimmt klar gut schön',
      'super prima toll interessant verstehe verstanden ich alles sicher natürlich eben so sehr gern gerne na in ordnung',
      'wirklich echt wow',
    ),
    stop: new RegExp(
      '^(nein[, ]+|nee[, ]+|okay[, ]+|bitte |jetzt )?(stopp?|halt|warte|warten sie|moment|einen moment|augenblick|' +
        'einen augenblick|sekunde|ruhe|sei still|seien sie still|sei ruhig|seien sie ruhig|hör auf|hören sie auf|genug|' +
        'es reicht|schluss|pause|vergiss es|vergessen sie es|lass gut sein|lassen sie mal)(?![\\p{L}\\p{N}])',
      'u',
    ),
    // German ends its sentences with verbs, and with what belongs to them (“ruf mich an”, “komm mit”): none of these is here.
    openEnds: words(
      'und oder aber sondern denn weil wenn als ob dass daß damit sodass obwohl während bevor nachdem der die das dem den',
      'des ein eine einen einem einer eines kein keine keinen keinem keiner mein meine meinen meinem meiner dein deine',
      'deinen unser unsere unseren ihr ihre ihren ihrem ihrer dieser diese dieses diesen diesem für von vom zum zur im ins',
      'am ans beim ohne gegen seit bis zwischen wegen per ich du er wir man wie also noch sehr ganz nur zwar nämlich',
      'beziehungsweise sowie äh ähm ähem',
    ),
    digits: words('null eins zwei zwo drei vier fünf sechs sieben acht neun zehn doppel strich bindestrich punkt plus'),
    letters: words(''),
  },
};
