import { expect } from 'chai';
import { EncoderEffort } from '../../../media/speech/encoder-effort.ts';

describe('EncoderEffort', () => {
  let effort: EncoderEffort;

  beforeEach(() => {
    effort = new EncoderEffort();
  });

  const after = (...busy: number[]) =>
    busy.map((part) => {
      effort.note({ busy: part, loopDelayP99Ms: 1 });
      return effort.complexity;
    });

  it('is full while there is time', () => {
    expect(after(0, 0.1, 0.3)).to.deep.equal([5, 5, 5]);
  });

  it('goes down one step a heartbeat while the thread is busy, and no further than there are steps', () => {
    expect(after(0.7, 0.7, 0.7, 0.7, 0.9)).to.deep.equal([2, 1, 0, 0, 0]);
  });

  it('stays where it is between the limits, and comes back when there is plenty of time', () => {
    expect(after(0.5, 0.5, 0.3, 0.25, 0.1, 0.1, 0.1)).to.deep.equal([2, 1, 1, 1, 2, 5, 5]);
  });

  it('goes down when a thread that works is late, and not when others keep an idle one waiting', () => {
    effort.note({ busy: 0.15, loopDelayP99Ms: 40 });
    expect(effort.complexity).to.equal(5);
    effort.note({ busy: 0.3, loopDelayP99Ms: 40 });
    expect(effort.complexity).to.equal(2);
  });
});
