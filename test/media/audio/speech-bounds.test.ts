import { expect } from 'chai';
import { speechBounds } from '../../../media/audio/speech-bounds.ts';

/** One second at 1 kHz (5 samples a frame): noise of ±`noise`, speech of ±1000 from 300 to 600 ms. */
function recording(noise: number): Int16Array {
  return Int16Array.from({ length: 1000 }, (_, n) => (n >= 300 && n < 600 ? 1000 : noise) * (n % 2 ? 1 : -1));
}

describe('speechBounds', () => {
  it('finds speech in silence', () => {
    expect(speechBounds(recording(0), 1000, 40)).to.deep.equal({ start: 300, end: 600 });
  });

  it('finds speech in noise that lies below its range, and not in noise that lies within', () => {
    expect(speechBounds(recording(9), 1000, 40)).to.deep.equal({ start: 300, end: 600 });
    expect(speechBounds(recording(11), 1000, 40)).to.deep.equal({ start: 0, end: 1000 });
  });

  it('ends no later than the recording does', () => {
    expect(speechBounds(new Int16Array(7).fill(500), 1000, 40)).to.deep.equal({ start: 0, end: 7 });
  });

  it('finds nothing in silence', () => {
    expect(speechBounds(new Int16Array(1000), 1000, 40)).to.equal(undefined);
    expect(speechBounds(new Int16Array(0), 1000, 40)).to.equal(undefined);
  });
});
