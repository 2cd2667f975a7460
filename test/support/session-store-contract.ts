import { expect } from 'chai';
import { StaleEpoch, StoreBehind } from '../../signalling/errors.ts';
import type { SessionStore } from '../../signalling/session-store.ts';
import { transition } from '../../signalling/session.ts';
import { line } from './session-hand-over-contract.ts';
import { sessionRecord } from './session-record.ts';

const rejection = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

/** What every session store promises, for each of them to be held to. `open` gives an empty one of pod-a. */
export const itKeepsSessions = (open: () => SessionStore | Promise<SessionStore>): void => {
  let store: SessionStore;

  beforeEach(async () => {
    store = await open();
  });

  afterEach(async () => store.close());

  it('gives back what was created, and nothing for an unknown id', async () => {
    const record = sessionRecord({ variables: { name: 'Ada' }, metadata: { order: 7 } });
    await store.create(record);
    expect(await store.get(record.id)).to.deep.equal(record);
    expect(await store.get('unknown')).to.equal(undefined);
  });

  it('refuses a second session of the same id', async () => {
    const record = sessionRecord();
    await store.create(record);
    expect(await rejection(store.create(record))).to.be.instanceOf(Error);
  });

  it('changes a session and counts the versions; a change that changes nothing writes nothing', async () => {
    const record = sessionRecord();
    await store.create(record);
    const changed = await store.update(record.id, 100, (before) => transition(before, { type: 'flowing' }, 5));
    expect(changed).to.include({ state: 'live', version: 2 });
    expect(await store.update(record.id, 100, (before) => before)).to.include({ version: 2 });
    expect(await store.update('unknown', 100, (before) => before)).to.equal(undefined);
  });

  it('loses none of two changes that are made at the same time', async () => {
    const record = sessionRecord({ metadata: {} });
    await store.create(record);
    const add = (key: string) =>
      store.update(record.id, 100, (before) => ({ ...before, metadata: { ...before.metadata, [key]: true } }));
    await Promise.all([add('a'), add('b'), add('c')]);
    expect((await store.get(record.id))?.metadata).to.deep.equal({ a: true, b: true, c: true });
  });

  it('adopts all of a session under a higher epoch, and refuses a lower one', async () => {
    const record = sessionRecord({ epoch: 100 });
    await store.create(record);
    await store.put({ record: { ...record, epoch: 200 }, transcript: [line('t1', 'user')] });
    expect(await store.get(record.id)).to.include({ ownerPod: 'pod-a', epoch: 200 });
    for (const write of [
      store.update(record.id, 100, (before) => before),
      store.append(record.id, 100, line('t2', 'user')),
      store.renew(record.id, 100, 1),
      store.keepContinuation(record.id, 100, {}),
      store.put({ record, transcript: [] }),
    ]) {
      expect(await rejection(write)).to.be.instanceOf(StaleEpoch);
    }
    expect(await store.get(record.id)).to.include({ epoch: 200, expiresAt: record.expiresAt });
    expect(await store.transcript(record.id)).to.have.lengthOf(1);
  });

  it('refuses an epoch that another pod holds, and takes the session from it with a higher one', async () => {
    const record = sessionRecord({ ownerPod: 'pod-b', epoch: 100 });
    await store.create(record);
    expect(await rejection(store.update(record.id, 100, (before) => before))).to.be.instanceOf(StaleEpoch);
    expect(await rejection(store.append(record.id, 100, line('t1', 'user')))).to.be.instanceOf(StaleEpoch);
    expect(await rejection(store.put({ record, transcript: [] }))).to.be.instanceOf(StaleEpoch);
    await store.put({ record: { ...record, ownerPod: 'pod-a', epoch: 101 }, transcript: [] });
    expect(await store.get(record.id)).to.include({ ownerPod: 'pod-a', epoch: 101 });
  });

  it('takes no part of a session under a higher epoch than it has: it has lost what came before', async () => {
    const record = sessionRecord({ epoch: 100 });
    await store.create(record);
    for (const write of [
      store.update(record.id, 200, (before) => ({ ...before, metadata: { late: true } })),
      store.append(record.id, 200, line('t2', 'user')),
      store.renew(record.id, 200, 1),
      store.keepContinuation(record.id, 200, {}),
    ]) {
      expect(await rejection(write)).to.be.instanceOf(StoreBehind);
    }
    expect(await store.load(record.id)).to.deep.equal({ record, transcript: [] });
  });

  it('keeps the transcript in order, each line once', async () => {
    const { id } = sessionRecord();
    await store.create(sessionRecord({ id }));
    expect(await store.append(id, 100, line('t1', 'user', 'one'))).to.equal(true);
    expect(await store.append(id, 100, line('t1', 'agent', 'two'))).to.equal(true);
    expect(await store.append(id, 100, line('t1', 'user', 'one again'))).to.equal(false);
    expect(await store.append('unknown', 100, line('t1', 'user'))).to.equal(false);
    expect((await store.transcript(id)).map(({ text }) => text)).to.deep.equal(['one', 'two']);
    expect(await store.transcript('unknown')).to.deep.equal([]);
  });

  it('lists the newest first, page by page, each session once', async () => {
    // Pairs share a millisecond, which must neither hide nor repeat one of them.
    for (let i = 0; i < 7; i += 1) await store.create(sessionRecord({ createdAt: Math.floor(i / 2) }));
    const seen: { id: string; createdAt: number }[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.list({ limit: 2, ...(cursor !== undefined && { cursor }) });
      seen.push(...page.sessions);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen.map(({ createdAt }) => createdAt)).to.deep.equal([3, 2, 2, 1, 1, 0, 0]);
    expect(new Set(seen.map(({ id }) => id)).size).to.equal(7);
  });

  it('goes on listing where it was when newer sessions come in between', async () => {
    for (let i = 0; i < 3; i += 1) await store.create(sessionRecord({ createdAt: i }));
    const first = await store.list({ limit: 2 });
    await store.create(sessionRecord({ createdAt: 10 }));
    const second = await store.list({ limit: 2, cursor: first.nextCursor ?? '' });
    expect(second.sessions.map(({ createdAt }) => createdAt)).to.deep.equal([0]);
  });

  it('lists one state alone, and reads a cursor that is none as the end', async () => {
    await store.create(sessionRecord({ state: 'live' }));
    await store.create(sessionRecord({ state: 'ready' }));
    expect((await store.list({ limit: 5, state: 'live' })).sessions).to.have.lengthOf(1);
    expect((await store.list({ limit: 5, cursor: '%%%' })).sessions).to.deep.equal([]);
    expect(await store.counts()).to.deep.equal({ queued: 0, ready: 1, live: 1, interrupted: 0, ended: 0 });
  });

  it('names the sessions whose time is over until they are ended, and not those that were renewed', async () => {
    const [idle, busy] = [sessionRecord({ expiresAt: 1_000 }), sessionRecord({ expiresAt: 1_000 })];
    await store.create(idle);
    await store.create(busy);
    await store.renew(busy.id, 100, 5_000);
    expect(await store.sweep(999)).to.deep.equal([]);
    expect((await store.sweep(1_000)).map(({ id }) => id)).to.deep.equal([idle.id]);
    await store.update(idle.id, 100, (before) => transition(before, { type: 'end', reason: 'expired' }, 1_000));
    expect(await store.sweep(1_001)).to.deep.equal([]);
  });

  it('ends a session once, and lists it as ended', async () => {
    const { id } = sessionRecord();
    await store.create(sessionRecord({ id }));
    const end = (atMs: number) =>
      store.update(id, 100, (before) => transition(before, { type: 'end', reason: 'left' }, atMs));
    await end(5);
    expect(await end(6)).to.include({ state: 'ended', endReason: 'left', endedAt: 5, version: 2 });
    expect((await store.list({ limit: 5, state: 'ended' })).sessions).to.have.lengthOf(1);
    expect((await store.list({ limit: 5 })).sessions.map((session) => session.id)).to.deep.equal([id]);
    expect(await store.counts()).to.include({ ready: 0, ended: 1 });
  });

  it('gives up when asked to', async () => {
    const signal = AbortSignal.abort(new Error('not any more'));
    expect(await rejection(store.get('any', { signal }))).to.have.property('message', 'not any more');
  });

  it('may be closed twice', async () => {
    await store.close();
    await store.close();
  });
};
