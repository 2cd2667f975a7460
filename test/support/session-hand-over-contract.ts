import { expect } from 'chai';
import type { TranscriptEntry } from '../../signalling/protocol.ts';
import type { Claim, ClaimAnswer, SessionStore, StoredSession } from '../../signalling/session-store.ts';
import { transition } from '../../signalling/session.ts';
import { sessionRecord } from './session-record.ts';

export const line = (turnId: string, role: TranscriptEntry['role'], text = 'hello'): TranscriptEntry => ({
  turnId,
  role,
  text,
  final: true,
  startMs: 0,
  endMs: 100,
});

const claimOf = (fields: Partial<Claim> = {}): Claim => ({
  claimId: 'claim-1',
  podId: 'pod-b',
  fromEpoch: 100,
  ...fields,
});

const granted = (answer: ClaimAnswer): StoredSession => {
  if (answer.outcome !== 'claimed') throw new Error(`The claim was not granted: ${answer.outcome}.`);
  return answer.session;
};

const textsOf = (lines: readonly TranscriptEntry[]): string[] => lines.map(({ text }) => text);

/** What every store promises to pods that take sessions over. `open` gives an empty store of pod-a. */
export const itHandsSessionsOver = (open: () => SessionStore | Promise<SessionStore>): void => {
  let store: SessionStore;

  beforeEach(async () => {
    store = await open();
  });

  afterEach(async () => store.close());

  it('gives whoever claims a session all that is kept of it, as load does', async () => {
    // What JSON of other languages easily spoils: empty lists, large and long numbers.
    const metadata = { empty: [], none: {}, large: 2 ** 53 - 1, long: 0.1 + 0.2, text: 'ä\n"' };
    const record = sessionRecord({ state: 'live', metadata, variables: { name: 'Ada' } });
    await store.create(record);
    await store.append(record.id, 100, line('t1', 'user', 'one'));
    await store.append(record.id, 100, line('t1', 'agent', 'two'));
    await store.keepContinuation(record.id, 100, { turn: 1, words: [] });
    await store.keepContinuation(record.id, 100, { turn: 2, words: [] });
    const before = await store.load(record.id);
    expect(before).to.deep.include({ continuation: { turn: 2, words: [] } });
    const session = granted(await store.claim(record.id, claimOf()));
    expect(session).to.deep.equal({ ...before, record: session.record });
    expect(session.record).to.deep.include({ metadata, state: 'live', ownerPod: 'pod-b', createdAt: record.createdAt });
    expect(textsOf(session.transcript)).to.deep.equal(['one', 'two']);
    expect(await store.load(record.id)).to.deep.equal(session);
    expect(await store.load('unknown')).to.equal(undefined);
  });

  it('claims under the greater of its clock and the epoch after the stored one', async () => {
    const [plain, advanced] = [sessionRecord(), sessionRecord({ epoch: Date.now() + 1_000_000 })];
    await store.create(plain);
    await store.create(advanced);
    const earliest = Date.now() - 1;
    const { epoch } = granted(await store.claim(plain.id, claimOf())).record;
    expect(epoch).to.be.within(earliest, Date.now() + 1);
    const later = granted(await store.claim(advanced.id, claimOf({ fromEpoch: advanced.epoch }))).record;
    expect(later.epoch).to.equal(advanced.epoch + 1);
  });

  it('outdoes the epoch that the claimer knows of, when the store has lost the latest writes', async () => {
    const record = sessionRecord();
    await store.create(record);
    const fromEpoch = Date.now() + 1_000_000;
    expect(granted(await store.claim(record.id, claimOf({ fromEpoch }))).record.epoch).to.equal(fromEpoch + 1);
  });

  it('grants a claim once, however often it is repeated', async () => {
    const record = sessionRecord();
    await store.create(record);
    const first = granted(await store.claim(record.id, claimOf()));
    const again = granted(await store.claim(record.id, claimOf()));
    expect(again).to.deep.equal(first);
  });

  it('gives a session to one of two, and tells the other how it stands', async () => {
    const record = sessionRecord();
    await store.create(record);
    const { record: won } = granted(await store.claim(record.id, claimOf()));
    const lost = await store.claim(record.id, claimOf({ claimId: 'claim-2', podId: 'pod-c' }));
    expect(lost).to.deep.equal({ outcome: 'overtaken', record: won });
    // The winner in its turn loses it, and a repetition of its claim does not bring it back.
    granted(await store.claim(record.id, claimOf({ claimId: 'claim-3', podId: 'pod-c', fromEpoch: won.epoch })));
    expect(await store.claim(record.id, claimOf())).to.include({ outcome: 'overtaken' });
  });

  it('gives away no session that has ended, and none that is not there', async () => {
    const record = sessionRecord();
    await store.create(record);
    await store.update(record.id, 100, (before) => transition(before, { type: 'end', reason: 'expired' }, 5));
    expect(await store.claim(record.id, claimOf())).to.include({ outcome: 'overtaken' });
    expect(await store.claim('unknown', claimOf())).to.deep.equal({ outcome: 'missing' });
  });

  it('takes a whole session from its owner, as a new one or over an older one', async () => {
    const record = sessionRecord({ version: 7, state: 'live' });
    const session = { record, transcript: [line('t1', 'user', 'one')], continuation: { turn: 1 } };
    await store.put(session);
    expect(await store.load(record.id)).to.deep.equal(session);
    expect(await store.counts()).to.include({ live: 1 });
    await store.put({ ...session, record: { ...record, state: 'interrupted', epoch: 200 } });
    expect(await store.get(record.id)).to.include({ state: 'interrupted', epoch: 200, version: 8 });
    expect((await store.load(record.id))?.continuation).to.deep.equal({ turn: 1 });
    expect(await store.counts()).to.include({ live: 0, interrupted: 1 });
  });

  it('keeps the lines that its owner has not, and puts the others where they belong', async () => {
    const { id } = sessionRecord();
    const record = sessionRecord({ id });
    await store.create(record);
    for (const turn of ['t0', 't1', 't4', 't5']) await store.append(id, 100, line(turn, 'user', turn));
    const transcript = ['t1', 't2', 't3', 't4', 't6'].map((turn) => line(turn, 'user', turn));
    await store.put({ record, transcript });
    expect(textsOf(await store.transcript(id))).to.deep.equal(['t0', 't1', 't2', 't3', 't4', 't5', 't6']);
    expect(await store.append(id, 100, line('t3', 'user'))).to.equal(false);
    expect(await store.append(id, 100, line('t7', 'user'))).to.equal(true);
  });

  it('has those who wait come in order, each once, and no more than may wait', async () => {
    expect(await store.enqueue('a', 2)).to.equal(1);
    expect(await store.enqueue('b', 2)).to.equal(2);
    expect(await store.enqueue('c', 2)).to.equal(undefined);
    expect(await store.enqueue('b', 2), 'again').to.equal(2);
    expect(await store.queue()).to.deep.equal(['a', 'b']);
    expect(await store.dequeue()).to.equal('a');
    expect(await store.enqueue('a', 2), 'at the end again').to.equal(2);
    expect(await store.dequeue()).to.equal('b');
    for (let times = 0; times < 2; times += 1) await store.putBack('b');
    expect(await store.queue(), 'before all others').to.deep.equal(['b', 'a']);
    await store.leaveQueue('b');
    await store.leaveQueue('b');
    expect(await store.dequeue()).to.equal('a');
    expect(await store.dequeue()).to.equal(undefined);
  });
};
