import { expect } from 'chai';
import { reconnectDelayMs } from '../../client-sdk/src/backoff.ts';

describe('reconnectDelayMs', () => {
  it('begins at 50 ms, doubles, and stays at 1 s', () => {
    const delaysMs = [0, 1, 2, 3, 4, 5, 6, 100, 5000].map((attempt) => reconnectDelayMs(attempt, 0));
    expect(delaysMs).to.deep.equal([50, 100, 200, 400, 800, 1000, 1000, 1000, 1000]);
  });

  it('takes up to 30 % off, so that clients do not come back in step', () => {
    expect(reconnectDelayMs(0, 0.999)).to.equal(35);
    expect(reconnectDelayMs(9, 0.5)).to.equal(850);
  });
});
