import { expect } from 'chai';
import { StaleEpoch, StoreUnavailable } from '../../signalling/errors.ts';
import { HeldSessions } from '../../signalling/held-sessions.ts';
import { MemorySessionStore } from '../../signalling/memory-session-store.ts';
import type { TranscriptEntry } from '../../signalling/protocol.ts';
import type { SessionRecord } from '../../signalling/session.ts';
import { failingStore } from '../support/failing-store.ts';
import type { FailingStore } from '../support/failing-store.ts';
import { memoryLog } from '../support/running-server.ts';
import { sessionRecord } from '../support/session-record.ts';

const line = (turnId: string): TranscriptEntry => ({
  turnId,
  role: 'user',
  text: `words of ${turnId}`,
  final: true,
  startMs: 0,
  endMs: 1,
});

const rejection = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('the sessions that a pod holds', () => {
  let shared: FailingStore;
  let held: HeldSessions;
  let lost: string[];
  let record: SessionRecord;

  beforeEach(async () => {
    shared = failingStore(new MemorySessionStore({ podId: 'pod-a' }));
    held = new HeldSessions({ local: new MemorySessionStore({ podId: 'pod-a' }), shared, log: memoryLog() });
    lost = [];
    held.on('lost', (id) => lost.push(id));
    record = sessionRecord({ ownerPod: 'pod-a', epoch: 100 });
    await held.create(record);
  });

  afterEach(() => held.close());

  it('are written through, and answered from memory', async () => {
    await held.append(record.id, 100, line('t1'));
    expect(await shared.transcript(record.id)).to.have.lengthOf(1);
    shared.asked.length = 0;
    expect(await held.get(record.id)).to.include({ id: record.id });
    expect(await held.transcript(record.id)).to.have.lengthOf(1);
    expect(shared.asked).to.deep.equal([]);
  });

  it('go on from memory while the shared store is away, and say so', async () => {
    shared.away = true;
    expect(await held.append(record.id, 100, line('t1'))).to.equal(true);
    expect(held.unsaved).to.equal(1);
    expect(await held.get(record.id)).to.include({ unsaved: true });
    expect(await rejection(held.get('of another pod'))).to.be.instanceOf(StoreUnavailable);
  });

  it('do not ask a store again that is away, until everything is written', async () => {
    shared.away = true;
    await held.append(record.id, 100, line('t1'));
    shared.asked.length = 0;
    await held.append(record.id, 100, line('t2'));
    await held.keepContinuation(record.id, 100, { version: 1 });
    expect(shared.asked).to.deep.equal([]);
  });

  it('are written as a whole when the store is back, also when it has forgotten everything', async () => {
    shared.away = true;
    await held.append(record.id, 100, line('t1'));
    await held.keepContinuation(record.id, 100, { version: 1, unheard: 'and so on' });
    shared.away = false;
    await held.flush();
    expect(held.unsaved).to.equal(0);
    const stored = await shared.load(record.id);
    expect(stored?.transcript.map(({ turnId }) => turnId)).to.deep.equal(['t1']);
    expect(stored?.continuation).to.deep.equal({ version: 1, unheard: 'and so on' });
    expect(await held.get(record.id)).not.to.have.property('unsaved');
  });

  it('lose nothing that is said while they are being written', async () => {
    shared.away = true;
    await held.append(record.id, 100, line('t1'));
    shared.away = false;
    const flushed = held.flush();
    await Promise.all([held.append(record.id, 100, line('t2')), held.append(record.id, 100, line('t3')), flushed]);
    await held.flush();
    expect((await shared.transcript(record.id)).map(({ turnId }) => turnId)).to.deep.equal(['t1', 't2', 't3']);
  });

  it('stay to be written where writing them fails again', async () => {
    shared.away = true;
    await held.append(record.id, 100, line('t1'));
    await held.flush();
    expect(held.unsaved).to.equal(1);
  });

  it('keep on writing how the conversation stands after the store was away', async () => {
    shared.away = true;
    await held.append(record.id, 100, line('t1'));
    await held.keepContinuation(record.id, 100, { version: 1, heard: 1 });
    shared.away = false;
    await held.flush();
    await held.keepContinuation(record.id, 100, { version: 1, heard: 2 });
    expect((await shared.load(record.id))?.continuation).to.deep.equal({ version: 1, heard: 2 });
  });

  it('are changed and ended in memory, and written later, where the store refuses to write', async () => {
    shared.refusal = new Error('WRONGTYPE');
    const ended = await held.update(record.id, 100, (before) => ({ ...before, state: 'ended' }));
    expect(ended).to.include({ state: 'ended' });
    expect(held.unsaved).to.equal(1);
    await held.flush();
    expect(held.unsaved).to.equal(1);
    shared.refusal = undefined;
    await held.flush();
    expect(await shared.get(record.id)).to.include({ state: 'ended' });
  });

  it('are not there where the store refuses to make them', async () => {
    await shared.create(sessionRecord({ id: 'twice', ownerPod: 'pod-b' }));
    expect(await rejection(held.create(sessionRecord({ id: 'twice' })))).to.be.instanceOf(Error);
    expect(held.holds('twice')).to.equal(false);
    expect(await held.get('twice')).to.include({ ownerPod: 'pod-b' });
  });

  it('are let go of at once when a write is refused, since another pod leads them', async () => {
    await shared.claim(record.id, { claimId: 'c1', podId: 'pod-b', fromEpoch: 100 });
    expect(await rejection(held.append(record.id, 100, line('t1')))).to.be.instanceOf(StaleEpoch);
    expect(lost).to.deep.equal([record.id]);
    expect(held.holds(record.id)).to.equal(false);
    expect(await held.get(record.id)).to.include({ ownerPod: 'pod-b' });
  });

  it('are not called kept by writes that waited behind the one that was refused', async () => {
    await shared.claim(record.id, { claimId: 'c1', podId: 'pod-b', fromEpoch: 100 });
    const writes = [held.append(record.id, 100, line('t1')), held.append(record.id, 100, line('t2'))];
    const failures = await Promise.all(writes.map(rejection));
    expect(failures.every((failure) => failure instanceof StaleEpoch)).to.equal(true);
  });

  it('are handed out as they stood here when another pod leads them', async () => {
    const left: string[][] = [];
    held.on('left', ({ transcript }) => left.push(transcript.map(({ turnId }) => turnId)));
    shared.away = true;
    await held.append(record.id, 100, line('t1'));
    shared.away = false;
    await shared.claim(record.id, { claimId: 'c1', podId: 'pod-b', fromEpoch: 100 });
    await held.flush();
    expect(left).to.deep.equal([['t1']]);
  });

  it('are let go of when that shows as they are written back', async () => {
    shared.away = true;
    await held.append(record.id, 100, line('t1'));
    shared.away = false;
    await shared.claim(record.id, { claimId: 'c1', podId: 'pod-b', fromEpoch: 100 });
    await held.flush();
    expect(lost).to.deep.equal([record.id]);
    expect(held.unsaved).to.equal(0);
  });

  it('are written anew when the store may have lost them', async () => {
    held.markUnsaved();
    expect(held.unsaved).to.equal(1);
    await held.flush();
    expect(shared.asked).to.include('put');
  });

  it('are written as a whole where the store has lost what was written since they were claimed', async () => {
    const redis = new MemorySessionStore({ podId: 'redis' });
    const sharedBy = (podId: string) => new MemorySessionStore({ podId, sharedWith: redis });
    await using stores = new AsyncDisposableStack();
    const next = stores.adopt(
      new HeldSessions({
        local: new MemorySessionStore({ podId: 'pod-b' }),
        shared: sharedBy('pod-b'),
        log: memoryLog(),
      }),
      (open) => open.close(),
    );
    await redis.put({ record, transcript: [] });
    await next.claim(record.id, { claimId: 'c1', podId: 'pod-b', fromEpoch: 100 });
    const { epoch } = (await next.get(record.id))!;
    await next.append(record.id, epoch, line('t1'));
    for (const write of [
      () => next.append(record.id, epoch, line('t2')),
      () => next.keepContinuation(record.id, epoch, { version: 1 }),
      () => next.update(record.id, epoch, (before) => ({ ...before, metadata: { order: 2 } })),
    ]) {
      // Emptied, and filled by a pod that has not heard yet that it was succeeded.
      await redis.forget(record.id);
      await sharedBy('pod-a').put({ record, transcript: [] });
      await write();
      expect((await redis.load(record.id))?.record).to.include({ ownerPod: 'pod-b', epoch });
      expect((await redis.transcript(record.id))[0]).to.include({ turnId: 't1' });
    }
  });

  it('are written as a whole, too, with how the conversation stands where the store has forgotten them', async () => {
    await held.append(record.id, 100, line('t1'));
    await (shared as unknown as MemorySessionStore).forget(record.id);
    await held.keepContinuation(record.id, 100, { version: 1 });
    expect(await shared.load(record.id)).to.have.nested.property('continuation.version', 1);
    expect(await shared.transcript(record.id)).to.have.lengthOf(1);
  });

  it('keep of many states of a conversation the last one alone', async () => {
    const states = Array.from({ length: 50 }, (_, i) => ({ version: 1, heard: i }));
    shared.asked.length = 0;
    await Promise.all(states.map((state) => held.keepContinuation(record.id, 100, state)));
    expect((await shared.load(record.id))?.continuation).to.deep.equal({ version: 1, heard: 49 });
    expect(shared.asked.filter((name) => name === 'keepContinuation').length).to.be.below(5);
  });

  it('are answered for by this pod once they were claimed', async () => {
    const other = sessionRecord({ ownerPod: 'pod-b', epoch: 50 });
    await shared.put({ record: other, transcript: [line('t1')] });
    const answer = await held.claim(other.id, { claimId: 'c2', podId: 'pod-a', fromEpoch: 50 });
    expect(answer.outcome).to.equal('claimed');
    expect(held.holds(other.id)).to.equal(true);
    expect(await held.transcript(other.id)).to.have.lengthOf(1);
  });

  it('have what stands in for another taken for kept when it is written, and not before', async () => {
    const kept: number[] = [];
    const states = [1, 2, 3].map((heard) => ({ version: 1, heard }));
    await Promise.all(
      states.map(async (state) => {
        await held.keepContinuation(record.id, 100, state);
        const stored = (await shared.load(record.id))?.continuation;
        kept.push(Number(stored?.['heard']));
      }),
    );
    expect(Math.min(...kept), 'what was stored when each was taken for kept').to.equal(3);
  });
});
