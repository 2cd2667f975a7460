import { expect } from 'chai';
import { SessionClock } from '../../web/src/session-clock.ts';

describe('SessionClock', () => {
  it('stands still until the session’s time is known', () => {
    const clock = new SessionClock();
    expect(clock.running).to.equal(false);
    expect(clock.at(5000)).to.equal(0);
  });

  it('trusts the event that was told the soonest', () => {
    const clock = new SessionClock();
    clock.observe(1000, 11_080);
    clock.observe(2000, 12_020);
    clock.observe(3000, 13_500);
    expect(clock.at(14_020)).to.equal(4000);
  });

  it('begins anew with another session', () => {
    const clock = new SessionClock();
    clock.observe(60_000, 60_000);
    clock.reset();
    clock.observe(0, 70_000);
    expect(clock.at(70_500)).to.equal(500);
  });
});
