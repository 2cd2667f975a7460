import { expect } from 'chai';
import { StandingQueue } from '../../../media/runtime/standing-queue.ts';

describe('StandingQueue', () => {
  it('lets a burst pass: whoever came first was served at once', () => {
    const queue = new StandingQueue();
    expect(queue.look(0)).to.equal(false);
    for (let waitedMs = 2; waitedMs < 800; waitedMs += 2) queue.served(waitedMs);
    expect(queue.look(1000)).to.equal(false);
  });

  it('stands where for a second everybody has waited long, and is looked at more often from then on', () => {
    const queue = new StandingQueue();
    queue.look(0);
    for (const waitedMs of [300, 150, 220]) queue.served(waitedMs);
    expect(queue.look(999)).to.equal(false);
    expect(queue.look(1000)).to.equal(true);
    queue.served(120);
    expect(queue.look(1199)).to.equal(false);
    expect(queue.look(1200)).to.equal(true);
    queue.served(5);
    expect(queue.look(1400)).to.equal(false);
  });

  it('does not stand where nobody was served, for nobody was there', () => {
    const queue = new StandingQueue();
    queue.look(0);
    expect(queue.look(5000)).to.equal(false);
  });
});
