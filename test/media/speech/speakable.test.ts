import { expect } from 'chai';
import * as fc from 'fast-check';
import { speakable } from '../../../media/speech/speakable.ts';

describe('speakable', () => {
  for (const [written, spoken] of [
    ['That is $4.99.', 'That is four dollars and ninety-nine cents.'],
    ['It costs $1, or £0.50.', 'It costs one dollar, or fifty pence.'],
    ['About 12€ each', 'About twelve euros each'],
    ['$1,250 in all', 'one thousand two hundred and fifty dollars in all'],
    ['At 7:30 pm, or 9:05.', 'At seven thirty p m, or nine oh five.'],
    ['at 10:00', "at ten o'clock"],
    ['It is 21 °C and 80% humid.', 'It is twenty-one degrees Celsius and eighty percent humid.'],
    ['5 km, 1 kg', 'five kilometres, one kilogram'],
    ['Call 555-123-4567.', 'Call five five five, one two three, four five six seven.'],
    ['code 84920175', 'code eight four nine two zero one seven five'],
    ['In 1984 and 2026', 'In nineteen eighty-four and twenty twenty-six'],
    ['the 3rd of May, the 20th', 'the third of May, the twentieth'],
    ['2.5 hours', 'two point five hours'],
    ['**Two** options:', 'Two options:'],
    ['- first\n- second', 'first\nsecond'],
    ['see [the menu](https://example.com/menu)', 'see the menu'],
    ['at https://www.example.com/a/b?c', 'at example.com'],
    ['Fruit, e.g. apples, etc.', 'Fruit, for example apples, and so on'],
    ['Dr. Smith vs. Mr. Jones', 'Doctor Smith versus Mister Jones'],
    ['Great! 🎉', 'Great!'],
    ['Section 3.2.1 of v2', 'Section 3.2.1 of v2'],
  ] as const) {
    it(`says "${written.replace('\n', '\\n')}" as "${spoken.replace('\n', '\\n')}"`, () => {
      expect(speakable(written)).to.equal(spoken);
    });
  }

  it('leaves numbers to voices of other languages, and takes their markup', () => {
    expect(speakable('Cela coûte **4,99 €**.', 'fr-FR')).to.equal('Cela coûte 4,99 €.');
  });

  it('changes nothing that is plain words, and never fails', () => {
    expect(speakable('I would like two pizzas, please.')).to.equal('I would like two pizzas, please.');
    fc.assert(fc.property(fc.string(), (text) => void speakable(text)));
    fc.assert(fc.property(fc.double({ noNaN: true, min: 0, max: 1e20 }), (number) => void speakable(`$${number}`)));
  });
});
