import { expect } from 'chai';
import { measureOperations, TRANSCRIPT_LINES } from '../../bench/session-operations.ts';
import { MemorySessionStore } from '../../signalling/memory-session-store.ts';

describe('measureOperations', () => {
  it('does to every session what becomes of one, and counts the runs that were asked for', async () => {
    const store = new MemorySessionStore({ podId: 'bench' });
    const figures = await measureOperations(store, 3);
    expect(figures.map(({ operation }) => operation)).to.have.members([
      'create',
      'get',
      'update',
      'append',
      'continuation',
      'put',
      'load',
      'claim',
    ]);
    for (const { summary, unanswered } of figures)
      expect({ ...summary, unanswered }).to.include({ count: 3, unanswered: 0 });
    const { sessions } = await store.list({ limit: 1 });
    const kept = await store.load(sessions[0]?.id ?? '');
    expect(kept?.record).to.include({ ownerPod: 'another' });
    expect(kept?.transcript).to.have.lengthOf(TRANSCRIPT_LINES);
    expect(kept?.continuation).to.not.equal(undefined);
  });
});
