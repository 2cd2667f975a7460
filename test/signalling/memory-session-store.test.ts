import { expect } from 'chai';
import { StoreFull } from '../../signalling/errors.ts';
import { MemorySessionStore } from '../../signalling/memory-session-store.ts';
import { itHandsSessionsOver } from '../support/session-hand-over-contract.ts';
import { sessionRecord } from '../support/session-record.ts';
import { itKeepsSessions } from '../support/session-store-contract.ts';

describe('MemorySessionStore', () => {
  itKeepsSessions(() => new MemorySessionStore({ podId: 'pod-a' }));
  itHandsSessionsOver(() => new MemorySessionStore({ podId: 'pod-a' }));

  it('keeps an ended session readable for a while, then drops it', async () => {
    const store = new MemorySessionStore({ podId: 'pod-a', keepEndedMs: 1_000 });
    const ended = sessionRecord({ state: 'ended', endedAt: 500 });
    await store.create(ended);
    await store.sweep(1_499);
    expect(await store.get(ended.id)).to.not.equal(undefined);
    await store.sweep(1_500);
    expect(await store.get(ended.id)).to.equal(undefined);
  });

  it('when full drops the oldest of those that ended, and refuses when there is none', async () => {
    const store = new MemorySessionStore({ podId: 'pod-a', maximumSessions: 3 });
    const [live, older, newer] = [
      sessionRecord({ state: 'live' }),
      sessionRecord({ state: 'ended', endedAt: 1 }),
      sessionRecord({ state: 'ended', endedAt: 2 }),
    ];
    for (const record of [live, older, newer]) await store.create(record);
    await store.create(sessionRecord());
    expect(await store.get(older.id)).to.equal(undefined);
    expect(await store.get(newer.id)).to.not.equal(undefined);
    await store.create(sessionRecord());
    const refused = await store.create(sessionRecord()).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(StoreFull);
    expect(await store.get(live.id)).to.not.equal(undefined);
  });
});
