import { expect } from 'chai';
import { LoopDelay } from '../../signalling/loop-delay.ts';
import { eventually } from '../support/eventually.ts';

const block = (ms: number): void => {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
};

describe('LoopDelay', () => {
  it('tells how late the main thread is', async () => {
    const delay = new LoopDelay();
    try {
      expect(delay.p99Ms).to.equal(0);
      await eventually(() => {
        block(60);
        return delay.p99Ms >= 40;
      });
    } finally {
      delay.close();
      delay.close();
    }
  });
});
