import { expect } from 'chai';
import { judge } from '../../signalling/ownership.ts';

describe('who may lead a session', () => {
  it('leaves it with an owner that answers and hears the caller, whatever the occasion', () => {
    for (const occasion of ['join', 'rejoin', 'media-lost'] as const) {
      expect(judge({ kind: 'leads', media: 'flowing' }, occasion), occasion).to.equal('relay');
    }
  });

  it('takes it from an owner that says itself that nothing of the caller arrives any more', () => {
    for (const occasion of ['join', 'rejoin', 'media-lost'] as const) {
      expect(judge({ kind: 'leads', media: 'lost' }, occasion), occasion).to.equal('claim');
    }
  });

  it('leaves it with an owner without media when a client joins, since it has none to lose', () => {
    expect(judge({ kind: 'leads', media: 'none' }, 'join')).to.equal('relay');
    expect(judge({ kind: 'leads', media: 'none' }, 'rejoin')).to.equal('relay');
    expect(judge({ kind: 'leads', media: 'none' }, 'media-lost')).to.equal('claim');
  });

  it('takes it from an owner that is gone, silent, or denies that it leads', () => {
    for (const kind of ['gone', 'timeout', 'not-mine'] as const) {
      expect(judge({ kind }, 'join'), kind).to.equal('claim');
    }
  });

  it('leaves a silent owner alone where no client has asked: it may be cut off from Redis only', () => {
    expect(judge({ kind: 'timeout' }, 'change')).to.equal('refuse');
    expect(judge({ kind: 'gone' }, 'change')).to.equal('claim');
  });

  it('leaves an owner that does not answer alone while a client that joins again hears it: it is cut off from Redis only', () => {
    expect(judge({ kind: 'timeout' }, 'hears')).to.equal('refuse');
    expect(judge({ kind: 'gone' }, 'hears')).to.equal('refuse');
    expect(judge({ kind: 'not-mine' }, 'hears')).to.equal('claim');
  });

  it('waits for a client that cannot tell yet, unless the owner is gone for all that Redis knows', () => {
    expect(judge({ kind: 'timeout' }, 'may-hear')).to.equal('refuse');
    expect(judge({ kind: 'gone' }, 'may-hear')).to.equal('claim');
    expect(judge({ kind: 'leads', media: 'flowing' }, 'may-hear')).to.equal('relay');
  });

  it('takes nothing while this pod itself cannot ask', () => {
    expect(judge({ kind: 'cut_off' }, 'join')).to.equal('refuse');
    expect(judge({ kind: 'cut_off' }, 'media-lost')).to.equal('refuse');
  });
});
