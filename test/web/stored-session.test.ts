import { expect } from 'chai';
import { forgetSession, keepMuted, keepSession, readMuted, readSession } from '../../web/src/stored-session.ts';

function storage(): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}

describe('the session of a tab', () => {
  it('is there after a reload, until it is forgotten', () => {
    const kept = storage();
    keepSession(kept, { token: 'abc', expiresAt: 2000 });
    expect(readSession(kept, 1000)).to.deep.equal({ token: 'abc', expiresAt: 2000 });
    forgetSession(kept);
    expect(readSession(kept, 1000)).to.equal(undefined);
  });

  it('keeps the token and its end, and nothing else of the server’s answer', () => {
    const kept = storage();
    const answer = { token: 'abc', expiresAt: 2000, pod: 'p1' };
    keepSession(kept, answer);
    expect(readSession(kept, 0)).to.deep.equal({ token: 'abc', expiresAt: 2000 });
  });

  it('is not resumed with a token that has run out', () => {
    const kept = storage();
    keepSession(kept, { token: 'abc', expiresAt: 2000 });
    expect(readSession(kept, 2000)).to.equal(undefined);
  });

  it('is nothing where something else was stored', () => {
    for (const value of ['', '{', '[]', 'null', '{"token":1,"expiresAt":9}', '{"token":"abc"}']) {
      expect(readSession({ getItem: () => value }, 0), value).to.equal(undefined);
    }
  });

  it('remembers that the caller muted themselves, until they unmute or the call is over', () => {
    const kept = storage();
    expect(readMuted(kept)).to.equal(false);
    keepMuted(kept, true);
    expect(readMuted(kept)).to.equal(true);
    keepMuted(kept, false);
    expect(readMuted(kept)).to.equal(false);
    keepMuted(kept, true);
    forgetSession(kept);
    expect(readMuted(kept)).to.equal(false);
  });
});
