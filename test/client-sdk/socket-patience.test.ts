import { expect } from 'chai';
import { SocketPatience } from '../../client-sdk/src/socket-patience.ts';

describe('SocketPatience', () => {
  it('gives the first connection of a page time, for it has nothing to compare with', () => {
    const patience = new SocketPatience();
    expect([0, 1, 5].map((attempt) => patience.helloTimeoutMs(attempt))).to.deep.equal([3000, 5000, 5000]);
  });

  it('tries another server soon where the last one was quick, three times, and then slowly', () => {
    const patience = new SocketPatience();
    patience.helloCame(40);
    expect([0, 1, 2, 3].map((attempt) => patience.helloTimeoutMs(attempt))).to.deep.equal([1500, 1500, 1500, 5000]);
  });

  it('waits longer on a network on which a connection takes long', () => {
    const patience = new SocketPatience();
    patience.helloCame(800);
    expect(patience.helloTimeoutMs(0)).to.equal(3200);
    patience.helloCame(4000);
    expect(patience.helloTimeoutMs(0)).to.equal(5000);
  });

  it('misses the answer to a report after a second, or four times what the last one took', () => {
    const patience = new SocketPatience();
    expect(patience.reportTimeoutMs).to.equal(1000);
    patience.reportAnswered(30);
    expect(patience.reportTimeoutMs).to.equal(1000);
    patience.reportAnswered(600);
    expect(patience.reportTimeoutMs).to.equal(2400);
  });

  it('becomes more patient with each report in vain, until one is answered', () => {
    const patience = new SocketPatience();
    const waits = [0, 1, 2, 3].map(() => {
      const waitMs = patience.reportTimeoutMs;
      patience.reportUnanswered();
      return waitMs;
    });
    expect(waits).to.deep.equal([1000, 2000, 4000, 5000]);
    patience.reportAnswered(20);
    expect(patience.reportTimeoutMs).to.equal(1000);
  });
});
