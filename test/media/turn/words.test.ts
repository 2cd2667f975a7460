import { expect } from 'chai';
import { hasJustAsked, isEcho, kindOfWords, withoutEcho } from '../../../media/turn/words.ts';

describe('kindOfWords', () => {
  for (const text of ['mm-hm', 'Yeah.', 'Okay, right', 'I see', 'uh huh', 'Of course!']) {
    it(`takes "${text}" for a backchannel`, () => {
      expect(kindOfWords(text, { final: true })).to.equal('backchannel');
    });
  }

  for (const text of ['Stop', 'wait a second', 'No, stop', 'okay hold on', 'Please be quiet']) {
    it(`takes "${text}" for a wish for silence, before it is final`, () => {
      expect(kindOfWords(text)).to.equal('stop');
    });
  }

  it('counts a short yes as the answer to a question', () => {
    expect(kindOfWords('Yes.', { final: true, asked: true })).to.equal('other');
    expect(kindOfWords('Yes', { asked: true }), 'not before it is final').to.equal('backchannel');
  });

  it('waits for a second word, or the end, before it takes a word for something of its own', () => {
    expect(kindOfWords('two')).to.equal('beginning');
    expect(kindOfWords('two pizzas')).to.equal('other');
    expect(kindOfWords('two', { final: true })).to.equal('other');
    expect(kindOfWords('…')).to.equal('none');
  });
});

describe('isEcho', () => {
  const said = 'Your table is booked for seven thirty. Would you like to sit outside?';

  it('finds the agent’s own words, misheard a little', () => {
    expect(isEcho('table is booked for seven', said)).to.equal(true);
    expect(isEcho('would you like to sit out side', said)).to.equal(true);
  });

  it('takes new words for the caller’s, though some are the agent’s', () => {
    expect(isEcho('no I would like to sit inside by the window', said)).to.equal(false);
    expect(isEcho('outside', said), 'one word alone').to.equal(false);
  });
});

describe('withoutEcho', () => {
  const said = 'Here is the list of all that we';

  it('leaves what the caller says after the echo, and before its end', () => {
    const cases = [
      ['Here is the list No, I only want a salad.', 'Here is the list', 'No, I only want a salad.'],
      ['Here is the list No, the salad.', 'Here is the list No', 'No, the salad.'],
      ['Here is the list Stop it! all that we', 'Here is the list', 'Stop it!'],
      ["here’s is the list don't read it", 'heres is the list', "don't read it"],
    ];
    for (const [text, echoed, own] of cases) expect(withoutEcho(text!, echoed!, said)).to.equal(own);
  });

  it('leaves the caller the words of the agent that no echo began with, and those in between', () => {
    const quoted = 'Read me the list of all that we';
    expect(withoutEcho(quoted, '', said)).to.equal(quoted);
    expect(withoutEcho('Here is the list no, is the list long?', 'Here is the list', said)).to.equal(
      'no, is the list long?',
    );
    expect(withoutEcho('Is the list long', 'Is the list', 'something else')).to.equal('Is the list long');
    expect(withoutEcho('Here is the list', 'Here is the list', said), 'nothing else').to.equal('Here is the list');
  });
});

describe('hasJustAsked', () => {
  it('knows whether the last thing said was asked, a few words ago at most', () => {
    expect(hasJustAsked('Is that all?')).to.equal(true);
    expect(hasJustAsked('Is that all? Then I will')).to.equal(true);
    expect(hasJustAsked('Is that all? Then I will book it.')).to.equal(false);
  });
});
