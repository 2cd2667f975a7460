import { expect } from 'chai';
import * as fc from 'fast-check';
import { ClauseSplitter, type ClauseSplitterOptions } from '../../../media/speech/clauses.ts';

function split(text: string, options?: ClauseSplitterOptions): string[] {
  const splitter = new ClauseSplitter(options);
  return [...splitter.push(text), ...splitter.flush()];
}

describe('ClauseSplitter', () => {
  it('ends a clause with each sentence', () => {
    expect(split('It rains. Does it? It does! Well…  Then stay.')).to.deep.equal([
      'It rains.',
      'Does it?',
      'It does!',
      'Well…',
      'Then stay.',
    ]);
  });

  it('ends the first clause at the first comma, so that the voice begins early', () => {
    expect(split("Hello, I am Parley's parrot.")).to.deep.equal(['Hello,', "I am Parley's parrot."]);
  });

  it('ends later clauses at a comma only when they are long enough to sound whole', () => {
    expect(split('Good. One, two, three, four, five, six, seven.')).to.deep.equal([
      'Good.',
      'One, two, three, four, five,',
      'six, seven.',
    ]);
  });

  it('also takes semicolons, colons and dashes for ends of a part', () => {
    const text = 'You spoke for two point one seconds; I waited for a good while after: silence is golden – mostly.';
    expect(split(text)).to.deep.equal([
      'You spoke for two point one seconds;',
      'I waited for a good while after:',
      'silence is golden – mostly.',
    ]);
  });

  it('splits no decimals, times, addresses or thousands', () => {
    for (const text of [
      'It took 2.1 seconds',
      'See example.com/a,b now',
      'At 12:30 or 1,000 times',
      'Version 3.2.1 is out',
    ]) {
      expect(split(text)).to.deep.equal([text]);
    }
  });

  it('splits at no abbreviation, initial or number of a list', () => {
    for (const text of [
      'Dr. No met Mr. Bond, e.g. twice',
      'J. R. Ewing',
      '1. Wash the dishes',
      'Talk to (Dr. No) now',
    ]) {
      expect(split(text, { firstMinimumCharacters: 40 })).to.deep.equal([text]);
    }
    expect(split('So am I. Then go.')).to.deep.equal(['So am I.', 'Then go.']);
  });

  it('keeps closing quotes and brackets with their sentence', () => {
    expect(split('"Stop." (He did.) "Why?" Nobody knew.')).to.deep.equal([
      '"Stop."',
      '(He did.)',
      '"Why?"',
      'Nobody knew.',
    ]);
  });

  it('ends a clause with the line, whatever it ends with', () => {
    expect(split('Shopping\nmilk\n\neggs')).to.deep.equal(['Shopping', 'milk', 'eggs']);
  });

  it('cuts what has no punctuation at a space before it gets too long', () => {
    const clauses = split('word '.repeat(100));
    expect(clauses.every(({ length }) => length <= 160)).to.equal(true);
    expect(clauses.join(' ')).to.equal('word '.repeat(100).trim());
  });

  it('cuts what has no spaces either, but no character', () => {
    const clauses = split('😀'.repeat(20), { maximumCharacters: 7 });
    expect(clauses.join('')).to.equal('😀'.repeat(20));
    expect(clauses.every((clause) => clause.isWellFormed())).to.equal(true);
  });

  it('gives a clause away as soon as the character after it has come', () => {
    const splitter = new ClauseSplitter();
    expect(splitter.push('It is 2.')).to.deep.equal([]);
    expect(splitter.push('1 now.')).to.deep.equal([]);
    expect(splitter.push(' And')).to.deep.equal(['It is 2.1 now.']);
    expect(splitter.flush()).to.deep.equal(['And']);
  });

  it('starts anew after a flush', () => {
    const splitter = new ClauseSplitter();
    splitter.push('Yes, I do');
    splitter.flush();
    expect(splitter.push('Well, I do not')).to.deep.equal(['Well,']);
  });

  it('takes German abbreviations and days of the month for no ends', () => {
    for (const clause of [
      'Obst, z. B. Birnen, d. h. frisches Obst oder u. a. Nüsse.',
      'Wir öffnen am 3. Mai um neun Uhr.',
      'Das war vom 1. bis 24.12. geschlossen.',
      'Am Montag, 7. Juli, ist zu.',
    ]) {
      expect(split(clause, { firstMinimumCharacters: 99, minimumCharacters: 99 })).to.deep.equal([clause]);
    }
    expect(split('Es gibt 3. Danach nichts.')).to.deep.equal(['Es gibt 3.', 'Danach nichts.']);
  });

  it('has nothing to say of nothing', () => {
    expect(split('')).to.deep.equal([]);
    expect(split(' \n \t ')).to.deep.equal([]);
  });

  const words = fc.constantFrom(
    'a',
    'word',
    'Dr.',
    '2.1',
    'end.',
    'well,',
    '"Oh!"',
    '–',
    'longer-word;',
    '\n',
    '  ',
    '😀',
  );
  const text = fc.oneof(
    fc.array(words, { maxLength: 80 }).map((parts) => parts.join(' ')),
    fc.string({ maxLength: 400 }),
  );

  it('gives the same clauses however the text came in', () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat(30)), (whole, sizes) => {
        const splitter = new ClauseSplitter({ maximumCharacters: 60 });
        const clauses: string[] = [];
        let at = 0;
        for (const size of sizes) clauses.push(...splitter.push(whole.slice(at, (at += size))));
        clauses.push(...splitter.push(whole.slice(at)), ...splitter.flush());
        expect(clauses).to.deep.equal(split(whole, { maximumCharacters: 60 }));
      }),
    );
  });

  it('loses nothing but white space, and keeps every clause within its maximum', () => {
    fc.assert(
      fc.property(text, (whole) => {
        const clauses = split(whole, { maximumCharacters: 60 });
        expect(clauses.join('').replace(/\s/g, '')).to.equal(whole.replace(/\s/g, ''));
        for (const clause of clauses) expect(clause.length).to.be.within(1, 60);
      }),
    );
  });
});
