import { expect } from 'chai';
import { agent } from '../../../media/agent/agent.ts';
import { textsOf } from '../../../media/agent/agent-texts.ts';
import { endpointDelay } from '../../../media/turn/endpoint-delay.ts';
import { ENGLISH } from '../../../media/languages/english.ts';
import { GERMAN } from '../../../media/languages/german.ts';
import { languageOf } from '../../../media/languages/languages.ts';
import { kindOfWords, wordsOf } from '../../../media/turn/words.ts';

/** What callers say, and what it means: the same in each language. */
const UTTERANCES = {
  en: {
    backchannel: ['Mm-hm.', 'Okay.', 'Yeah, right.', 'I see.', 'Of course.'],
    stop: ['Stop.', 'No, wait.', 'Hold on a second', 'Please stop talking'],
    other: ['Two pizzas, please.', 'No, tomorrow.', 'Yes, but not today.', 'Stopping by is fine.'],
    unfinished: ['I would like a', 'Two pizzas and', 'The name is,'],
    sentence: ['I would like two pizzas.', 'Is that possible?'],
    reading: ['my number is four seven', '0 1 7', 'that is spelled m e'],
    pause: ['two pizzas', 'tomorrow at noon'],
  },
  de: {
    backchannel: ['Mhm.', 'Ja, genau.', 'Alles klar.', 'Ach so.', 'Ich verstehe.', 'Na gut.', 'Sehr schön.'],
    stop: ['Stopp!', 'Nein, warten Sie', 'Einen Moment bitte', 'Hören Sie auf', 'Moment mal', 'Ruhe', 'Jetzt warte'],
    other: ['Zwei Pizzen bitte.', 'Nein, morgen.', 'Ja, aber nicht heute.', 'Haltbar ist das nicht.', 'Nein.'],
    unfinished: ['Ich hätte gern eine', 'Zwei Pizzen und', 'Der Name ist,', 'weil ich'],
    sentence: ['Ich hätte gern zwei Pizzen.', 'Geht das?'],
    reading: ['meine Nummer ist null eins', '0 1 7', 'das schreibt sich m e'],
    // Verbs and what belongs to them end German sentences.
    pause: ['rufen Sie mich an', 'ich möchte zwei Pizzen haben', 'kommen Sie mit', 'ob das möglich ist'],
  },
} as const;

const delays = { ...agent.parse({ name: 'a' }).turnHandling.endpointing, minimumDelayMs: 300, maximumDelayMs: 2_500 };

describe('the languages', () => {
  for (const [language, kinds] of Object.entries(UTTERANCES)) {
    for (const kind of ['backchannel', 'stop', 'other'] as const) {
      it(`tell words that are "${kind}" in ${language}`, () => {
        for (const text of kinds[kind]) expect(kindOfWords(text, { language, final: true }), text).to.equal(kind);
      });
    }
    for (const reason of ['unfinished', 'sentence', 'reading', 'pause'] as const) {
      it(`tell ends of turns that are "${reason}" in ${language}`, () => {
        for (const text of kinds[reason]) {
          expect(endpointDelay(text, delays, 550, language).reason, text).to.equal(reason);
        }
      });
    }
  }

  it('are chosen by the first part of a tag; English stands in for what there is not', () => {
    expect(languageOf('de-CH')).to.equal(GERMAN);
    for (const tag of [undefined, 'en-GB', 'ja', 'constructor']) expect(languageOf(tag)).to.equal(ENGLISH);
  });

  it('have every text, in as many variants, and words as they are compared', () => {
    for (const { texts, words } of [ENGLISH, GERMAN]) {
      expect(Object.keys(texts)).to.have.members(Object.keys(ENGLISH.texts));
      expect(texts.bridges).to.have.length(2);
      for (const text of Object.values(texts).flat()) expect(text).to.match(/[.?!]$/);
      for (const word of [...words.backchannels, ...words.openEnds, ...words.digits]) {
        expect(wordsOf(word), word).to.deep.equal([word]);
      }
      expect([...words.openEnds].filter((word) => words.digits.has(word) && word !== 'plus')).to.deep.equal([]);
    }
  });

  it('give way to the texts of an agent, one by one', () => {
    const own = agent.parse({ name: 'a', language: 'de', texts: { apology: 'Hoppla.', bridges: ['Gleich.'] } });
    expect(textsOf(own)).to.deep.equal({ ...GERMAN.texts, apology: 'Hoppla.', bridges: ['Gleich.'] });
    expect(agent.safeParse({ name: 'a', texts: { aplogy: 'x' } }).success).to.equal(false);
  });
});
