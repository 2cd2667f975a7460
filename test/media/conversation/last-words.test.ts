import { expect } from 'chai';
import { LastWords } from '../../../media/conversation/last-words.ts';

describe('LastWords', () => {
  it('end the call when they have been heard, once', () => {
    const words = new LastWords();
    words.said('agent', 1_000);
    expect(words.poll(1_399)).to.equal(undefined);
    expect(words.poll(1_400)).to.equal('agent');
    expect(words.poll(5_000)).to.equal(undefined);
  });

  it('wait for a client that hears late', () => {
    const words = new LastWords();
    words.said('idle', 1_000, 900);
    expect(words.poll(2_049)).to.equal(undefined);
    expect(words.poll(2_050)).to.equal('idle');
  });
});
