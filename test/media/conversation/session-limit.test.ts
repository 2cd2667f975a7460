import { expect } from 'chai';
import { SessionLimit } from '../../../media/conversation/session-limit.ts';

const options = { limitMs: 600_000, warningMs: 30_000 };

describe('The limit of a session', () => {
  it('is announced in the first pause after the time for it, once', () => {
    const limit = new SessionLimit(options);
    expect(limit.poll(true, 569_999)).to.equal(undefined);
    expect(limit.poll(false, 571_000)).to.equal(undefined);
    expect(limit.poll(true, 572_000)).to.equal('warn');
    expect(limit.poll(true, 573_000)).to.equal(undefined);
    expect(limit.warned).to.equal(true);
  });

  it('ends in a pause before it is reached, in the midst of what is said where there is none, and once', () => {
    expect(new SessionLimit(options, true).poll(true, 588_000)).to.equal('end');
    const limit = new SessionLimit(options, true);
    expect(limit.poll(false, 592_999)).to.equal(undefined);
    expect(limit.poll(false, 593_000)).to.equal('end');
    expect([limit.dueMs(true), limit.dueMs(false)]).to.deep.equal([Infinity, Infinity]);
  });

  it('is not announced where nobody paused until it is time to say goodbye', () => {
    expect(new SessionLimit(options).poll(true, 589_000)).to.equal('end');
  });

  it('is not announced where it is set so, or at the beginning of a short one', () => {
    for (const warningMs of [0, 600_000]) {
      const limit = new SessionLimit({ limitMs: 60_000, warningMs });
      expect(limit.dueMs(true)).to.equal(48_000);
      expect(limit.poll(true, 40_000)).to.equal(undefined);
    }
  });
});
