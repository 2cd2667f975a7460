import { expect } from 'chai';
import { toFailure, RemoteRefusal } from '../../signalling/errors.ts';
import { HeldSessions } from '../../signalling/held-sessions.ts';
import { LeftBehind } from '../../signalling/left-behind.ts';
import { MemoryBusHub } from '../../signalling/memory-message-bus.ts';
import { MemorySessionStore } from '../../signalling/memory-session-store.ts';
import { Places } from '../../signalling/places.ts';
import type { Pods } from '../../signalling/pods.ts';
import type { TranscriptEntry } from '../../signalling/protocol.ts';
import { SessionFinder } from '../../signalling/session-finder.ts';
import { Sessions } from '../../signalling/sessions.ts';
import { eventually } from '../support/eventually.ts';
import { failingStore } from '../support/failing-store.ts';
import { rejection } from '../support/rejection.ts';
import { memoryLog } from '../support/running-server.ts';
import { sessionRecord } from '../support/session-record.ts';

const line = (turnId: string): TranscriptEntry => ({
  turnId,
  role: 'user',
  text: turnId,
  final: true,
  startMs: 0,
  endMs: 1,
});

/** Two pods on one store; what a pod asks of the store can be cut off. */
describe('two pods on one store', () => {
  let closing: (() => unknown)[] = [];

  const startPods = () => {
    const hub = new MemoryBusHub({ log: memoryLog() });
    const redis = new MemorySessionStore({ podId: 'redis' });
    const start = (podId: string) => {
      const log = memoryLog();
      const shared = failingStore(new MemorySessionStore({ podId, sharedWith: redis }));
      const store = new HeldSessions({ local: new MemorySessionStore({ podId }), shared, log });
      const places = new Places({ capacity: 9 });
      const sessions = new Sessions({ store, places, podId, hasTime: () => true, timeoutMs: 60_000, nowMs: Date.now });
      const bus = hub.connect(podId);
      const pods: Pods = { list: () => [], absent: () => [], announce: () => {}, close: async () => {} };
      const finder = new SessionFinder({ store, sessions, bus, pods, nowMs: Date.now });
      const leftBehind = new LeftBehind({ store, sessions, bus, log });
      closing.push(() => leftBehind.close());
      return { shared, store, sessions, finder };
    };
    return { redis, former: start('former'), next: start('next') };
  };

  afterEach(() => {
    for (const close of closing.splice(0)) close();
    closing = [];
  });

  it('pass on what one of them kept while it was cut off: lines of the conversation, and the latest change', async () => {
    const { redis, former, next } = startPods();
    const { id, epoch } = await former.sessions.open({ agent: 'parrot' });
    await former.sessions.append(id, line('before'));
    former.shared.away = true;
    await former.sessions.append(id, line('while cut off'));
    await former.sessions.amend(id, { metadata: { order: 2 } });
    await next.finder.claimHere({ id, fromEpoch: epoch, cause: 'owner_silent' });
    await next.sessions.append(id, line('after'));
    former.shared.away = false;
    await former.store.flush();
    await eventually(async () => (await redis.transcript(id)).length === 3);
    expect((await next.sessions.transcript(id)).map(({ turnId }) => turnId)).to.include('while cut off');
    await eventually(async () => (await redis.get(id))?.metadata?.['order'] === 2);
  });

  it('let that undo no later change', async () => {
    const { redis, former, next } = startPods();
    const { id, epoch } = await former.sessions.open({ agent: 'parrot' });
    former.shared.away = true;
    await former.sessions.append(id, line('while cut off'));
    for (const order of [1, 2, 3]) await former.sessions.amend(id, { metadata: { order } });
    await next.finder.claimHere({ id, fromEpoch: epoch, cause: 'owner_silent' });
    await next.sessions.amend(id, { metadata: { order: 4 } });
    former.shared.away = false;
    await former.store.flush();
    await eventually(async () => (await redis.transcript(id)).length === 1);
    expect((await redis.get(id))?.metadata).to.deep.equal({ order: 4 });
  });

  it('pass it on later where the store has just lost the session, and nobody can be found who leads it', async () => {
    const { redis, former, next } = startPods();
    const { id, epoch } = await former.sessions.open({ agent: 'parrot' });
    former.shared.away = true;
    await former.sessions.append(id, line('while cut off'));
    await next.finder.claimHere({ id, fromEpoch: epoch, cause: 'owner_silent' });
    former.store.prependListener('left', () => void redis.forget(id));
    former.shared.away = false;
    await former.store.flush();
    expect(await redis.get(id)).to.equal(undefined);
    await next.sessions.append(id, line('after'));
    await eventually(async () => (await redis.transcript(id)).length === 2, 15_000);
    expect((await next.sessions.transcript(id)).map(({ turnId }) => turnId)).to.include('while cut off');
  });

  it('claim nothing that the store has lost meanwhile, for another pod may still have it', async () => {
    const { redis, former, next } = startPods();
    const { id, epoch } = await former.sessions.open({ agent: 'parrot' });
    await redis.forget(id);
    expect(await next.finder.claimHere({ id, fromEpoch: epoch, cause: 'owner_silent' })).to.equal(undefined);
    expect(next.sessions.occupied).to.equal(0);
  });

  it('claim a session once where it is asked for twice at the same time', async () => {
    const { redis, former, next } = startPods();
    const { id, epoch } = await former.sessions.open({ agent: 'parrot' });
    const claim = { id, fromEpoch: epoch, cause: 'owner_silent' } as const;
    const claims = await Promise.all([next.finder.claimHere(claim), next.finder.claimHere(claim)]);
    const stored = await redis.get(id);
    expect(claims.map((record) => record?.epoch)).to.deep.equal([stored?.epoch, stored?.epoch]);
  });
});

describe('a pod that leads a session', () => {
  const pod = () => {
    const hub = new MemoryBusHub({ log: memoryLog() });
    const [asking, leading] = [hub.connect('asking'), hub.connect('leading')];
    const redis = new MemorySessionStore({ podId: 'leading' });
    const log = memoryLog();
    const shared = new MemorySessionStore({ podId: 'asking', sharedWith: redis });
    const store = new HeldSessions({ local: new MemorySessionStore({ podId: 'asking' }), shared, log });
    const places = new Places({ capacity: 9 });
    const options = { store, places, podId: 'asking', hasTime: () => true, timeoutMs: 60_000, nowMs: Date.now };
    const sessions = new Sessions(options);
    const pods: Pods = { list: () => [], absent: () => [], announce: () => {}, close: async () => {} };
    const finder = new SessionFinder({ store, sessions, bus: asking, pods, nowMs: Date.now });
    return { redis, finder, leading };
  };

  it('keeps it where it fails to answer, for it is there', async () => {
    const { redis, finder, leading } = pod();
    const record = sessionRecord({ ownerPod: 'leading', state: 'live' });
    await redis.create(record);
    leading.handle('session.lead', async () => {
      throw new Error('given up');
    });
    const failure = await rejection(finder.find(record.id, 'media-lost', new AbortController().signal));
    expect(failure).to.include({ code: 'server_busy' });
    expect(await redis.get(record.id)).to.include({ ownerPod: 'leading' });
  });
});

describe('what another pod could not do just now', () => {
  it('is no fault inside the server: the client is told to come again', () => {
    for (const code of ['stale_epoch', 'pod_unreachable', 'store_unavailable']) {
      expect(toFailure(new RemoteRefusal('pod-b', code)).code, code).to.equal('server_busy');
    }
    expect(toFailure(new RemoteRefusal('pod-b', 'no_handler')).code).to.equal('internal');
  });
});
