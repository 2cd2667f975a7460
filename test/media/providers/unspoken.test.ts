import { expect } from 'chai';
import * as fc from 'fast-check';
import { SpokenTracker } from '../../../media/providers/unspoken.ts';

/** A piece of so many milliseconds. */
function piece(ms: number, text = '', words?: { word: string; startMs: number; endMs: number }[]) {
  return { pcm: { samples: new Int16Array(ms * 24), sampleRateHz: 24_000 }, text, ...(words && { words }) };
}

function tracker(...clauses: string[]): SpokenTracker {
  const tracked = new SpokenTracker();
  for (const clause of clauses) tracked.handed(clause);
  return tracked;
}

describe('what a voice has not spoken', () => {
  it('is everything where it said nothing', () => {
    expect(tracker('Hello there.').unspoken()).to.include({ clause: 0, text: 'Hello there.', begun: false });
    expect(tracker().unspoken()).to.include({ clause: 0, text: '', begun: false });
  });

  it('begins with the word that was broken off, where word times tell', () => {
    const tracked = tracker('Two large pizzas.', 'Anything else?');
    tracked.spoken(piece(300, 'Two large pizzas.', [{ word: 'Two', startMs: 0, endMs: 300 }]));
    tracked.spoken(piece(300, '', [{ word: 'large', startMs: 0, endMs: 400 }]));
    expect(tracked.unspoken()).to.deep.equal({ clause: 0, text: 'large pizzas.', begun: true, estimated: false });
  });

  it('takes times that come after their audio into account', () => {
    const tracked = tracker('Two large pizzas.');
    tracked.spoken(piece(300, 'Two large pizzas.'));
    tracked.spoken(piece(300, '', [{ word: 'Two', startMs: -300, endMs: 0 }]));
    tracked.spoken(piece(0, '', [{ word: 'large', startMs: -300, endMs: 0 }]));
    expect(tracked.unspoken()).to.include({ text: 'pizzas.', estimated: false });
  });

  it('is the next clause where this one is complete', () => {
    const tracked = tracker('Yes.', 'Anything else?');
    tracked.spoken(piece(300, 'Yes.', [{ word: 'Yes.', startMs: 0, endMs: 300 }]));
    expect(tracked.unspoken()).to.include({ clause: 1, text: 'Anything else?', begun: false });
  });

  it('is estimated by the length of the audio where no word times tell', () => {
    const tracked = tracker('Good morning to you.');
    tracked.spoken(piece(900, 'Good morning to you.'));
    expect(tracked.unspoken()).to.deep.equal({ clause: 0, text: 'to you.', begun: true, estimated: true });
  });

  it('does not count clauses that the voice left out', () => {
    const tracked = tracker('...', 'One.', '–', 'Two three.');
    tracked.spoken(piece(100, 'One.', [{ word: 'One.', startMs: 0, endMs: 100 }]));
    tracked.spoken(piece(100, 'Two three.', [{ word: 'Two', startMs: 0, endMs: 100 }]));
    expect(tracked.unspoken()).to.include({ clause: 3, text: 'three.' });
  });

  it('is always the end of what was handed over', () => {
    const word = fc.stringMatching(/^[a-z]{1,8}$/);
    const clause = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => `${words.join(' ')}.`);
    fc.assert(
      fc.property(fc.array(clause, { minLength: 1, maxLength: 4 }), fc.nat(5_000), (clauses, ms) => {
        const tracked = tracker(...clauses);
        tracked.spoken(piece(ms, clauses[0]));
        const { clause: index, text } = tracked.unspoken();
        const rest = [text, ...clauses.slice(index + 1)].join(' ').trim();
        expect(clauses.join(' ').endsWith(rest)).to.equal(true);
      }),
    );
  });
});
