import { expect } from 'chai';
import { PlayoutDelay } from '../../client-sdk/src/playout-delay.ts';

const inbound = (jitterBufferDelay: number, jitterBufferEmittedCount: number) => ({
  id: 'in',
  type: 'inbound-rtp',
  jitterBufferDelay,
  jitterBufferEmittedCount,
});
const output = (totalPlayoutDelay: number, totalSamplesCount: number) => ({
  id: 'out',
  type: 'media-playout',
  totalPlayoutDelay,
  totalSamplesCount,
});

describe('PlayoutDelay', () => {
  it('is the jitter buffer’s and that of the way to the loudspeaker, since the last look', () => {
    const delay = new PlayoutDelay();
    // 48,000 samples waited 2,880 s in all: 60 ms each. Then another 48,000, 120 ms each.
    expect(delay.look([inbound(2880, 48_000), output(1440, 48_000)])).to.be.closeTo(90, 1e-9);
    expect(delay.look([inbound(8640, 96_000), output(2880, 96_000)])).to.be.closeTo(150, 1e-9);
  });

  it('is that of the buffer where the browser tells no more', () => {
    expect(new PlayoutDelay().look([inbound(2880, 48_000)])).to.be.closeTo(60, 1e-9);
  });

  it('is not known before anything was played, and stays what it was through silence', () => {
    const delay = new PlayoutDelay();
    expect(delay.look([])).to.equal(undefined);
    expect(delay.look([inbound(0, 0)])).to.equal(undefined);
    expect(delay.look([inbound(2880, 48_000)])).to.be.closeTo(60, 1e-9);
    expect(delay.look([inbound(2880, 48_000)])).to.be.closeTo(60, 1e-9);
  });

  it('starts again with another connection', () => {
    const delay = new PlayoutDelay();
    delay.look([inbound(2880, 48_000)]);
    expect(delay.look([inbound(480, 24_000)])).to.be.closeTo(20, 1e-9);
  });
});
