import { expect } from 'chai';
import { toFailure } from '../../signalling/errors.ts';
import { HeldSessions } from '../../signalling/held-sessions.ts';
import { MemorySessionStore } from '../../signalling/memory-session-store.ts';
import { Places } from '../../signalling/places.ts';
import type { SessionRecord } from '../../signalling/session.ts';
import { Sessions } from '../../signalling/sessions.ts';
import { memoryLog } from '../support/running-server.ts';
import { sessionRecord } from '../support/session-record.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const codeOf = async (promise: Promise<unknown>): Promise<string | undefined> =>
  promise.then(
    () => undefined,
    (error: unknown) => toFailure(error).code,
  );

describe('Sessions', () => {
  let clock: VirtualClock;
  let sessions: Sessions;
  let ended: SessionRecord[];

  const start = (capacity: number, local = new MemorySessionStore({ podId: 'pod-a' })) => {
    clock = new VirtualClock();
    const store = new HeldSessions({ local, log: memoryLog() });
    const places = new Places({ capacity });
    sessions = new Sessions({ store, places, podId: 'pod-a', timeoutMs: 3_600_000, nowMs: clock.nowMs });
    ended = [];
    sessions.on('ended', (record) => ended.push(record));
  };

  beforeEach(() => start(2));

  it('opens a session on this pod with a place of its own', async () => {
    const record = await sessions.open({ agent: 'parrot', metadata: { order: 7 } });
    expect(record).to.include({ agent: 'parrot', state: 'ready', ownerPod: 'pod-a', epoch: clock.nowMs() });
    expect(record.expiresAt).to.equal(clock.nowMs() + 3_600_000);
    expect(await sessions.get(record.id)).to.deep.equal(record);
    expect(sessions.occupied).to.equal(1);
  });

  it('refuses a new one when all places are taken or reserved, until a reservation runs out', async () => {
    await sessions.open({ agent: 'parrot' });
    await sessions.open({ agent: 'parrot' });
    expect(await codeOf(sessions.open({ agent: 'parrot' }))).to.equal('server_busy');
    clock.advance(60_000);
    expect(await codeOf(sessions.open({ agent: 'parrot' }))).to.equal(undefined);
  });

  it('refuses a new one when the store is full, and gives its place back', async () => {
    start(5, new MemorySessionStore({ podId: 'pod-a', maximumSessions: 1 }));
    await sessions.open({ agent: 'parrot' });
    expect(await codeOf(sessions.open({ agent: 'parrot' }))).to.equal('server_busy');
    expect(sessions.occupied).to.equal(1);
  });

  it('takes no place for a session that another pod leads by the time that its client has its turn', async () => {
    clock = new VirtualClock();
    const [local, shared] = [new MemorySessionStore({ podId: 'pod-a' }), new MemorySessionStore({ podId: 'pod-a' })];
    const store = new HeldSessions({ local, shared, log: memoryLog() });
    const places = new Places({ capacity: 2 });
    sessions = new Sessions({ store, places, podId: 'pod-a', timeoutMs: 3_600_000, nowMs: clock.nowMs });
    const record = sessionRecord({ ownerPod: 'pod-b' });
    await shared.create(record);
    expect(await codeOf(sessions.attach(record.id))).to.equal('server_busy');
    expect(sessions.occupied).to.equal(0);
  });

  it('refuses a new one while the machine has no time for it, and still takes over what would be lost', async () => {
    let hasTime = false;
    const places = new Places({ capacity: 2 });
    const store = new HeldSessions({ local: new MemorySessionStore({ podId: 'pod-a' }), log: memoryLog() });
    const busy = new Sessions({
      store,
      places,
      podId: 'pod-a',
      hasTime: () => hasTime,
      timeoutMs: 1000,
      nowMs: Date.now,
    });
    expect(await codeOf(busy.open({ agent: 'parrot' }))).to.equal('server_busy');
    expect(busy.hasRoom).to.equal(false);
    busy.reserve('from another pod');
    hasTime = true;
    expect(await codeOf(busy.open({ agent: 'parrot' }))).to.equal(undefined);
  });

  it('refuses new ones once the pod closes, while clients of the others may come back', async () => {
    const { id } = await sessions.open({ agent: 'parrot' });
    sessions.draining = true;
    expect(await codeOf(sessions.open({ agent: 'parrot' }))).to.equal('server_busy');
    expect(await codeOf(sessions.attach(id))).to.equal(undefined);
  });

  it('lets a late client join while there is room, and not when there is none', async () => {
    const late = await sessions.open({ agent: 'parrot' });
    clock.advance(60_000);
    const [a, b] = [await sessions.open({ agent: 'parrot' }), await sessions.open({ agent: 'parrot' })];
    await sessions.attach(a.id);
    await sessions.attach(b.id);
    expect(await codeOf(sessions.attach(late.id))).to.equal('server_busy');
    await sessions.end(a.id, 'left');
    expect(await codeOf(sessions.attach(late.id))).to.equal(undefined);
  });

  it('is live while media flows, interrupted when the client is gone, and live again when it is back', async () => {
    const { id } = await sessions.open({ agent: 'parrot' });
    await sessions.attach(id);
    await sessions.flowing(id, true);
    expect(await sessions.get(id)).to.include({ state: 'live' });
    await sessions.detach(id);
    expect(await sessions.get(id)).to.include({ state: 'interrupted' });
    await sessions.attach(id);
    expect(await sessions.rejoined(id)).to.include({ state: 'live' });
  });

  it('is interrupted when the media stops while the client is connected', async () => {
    const { id } = await sessions.open({ agent: 'parrot' });
    await sessions.attach(id);
    await sessions.flowing(id, true);
    await sessions.flowing(id, false);
    expect(await sessions.get(id)).to.include({ state: 'interrupted' });
  });

  it('keeps the place of a client that is gone for a minute', async () => {
    const { id } = await sessions.open({ agent: 'parrot' });
    await sessions.attach(id);
    clock.advance(600_000);
    expect(sessions.occupied).to.equal(1);
    await sessions.detach(id);
    await sessions.detach(id);
    clock.advance(59_999);
    expect(sessions.occupied).to.equal(1);
    clock.advance(1);
    expect(sessions.occupied).to.equal(0);
  });

  it('ends once, with the first reason, and gives its place back', async () => {
    const { id } = await sessions.open({ agent: 'parrot' });
    await Promise.all([sessions.end(id, 'left'), sessions.end(id, 'deleted')]);
    expect(ended.map(({ endReason }) => endReason)).to.deep.equal(['left']);
    expect(await sessions.get(id)).to.include({ state: 'ended', endReason: 'left' });
    expect(sessions.occupied).to.equal(0);
  });

  it('refuses everything but reading and ending once it has ended', async () => {
    const { id } = await sessions.open({ agent: 'parrot' });
    await sessions.end(id, 'left');
    expect(await codeOf(sessions.attach(id))).to.equal('session_ended');
    expect(await codeOf(sessions.rejoined(id))).to.equal('session_ended');
    expect(await codeOf(sessions.flowing(id, true))).to.equal('session_ended');
    expect(await codeOf(sessions.amend(id, { metadata: {} }))).to.equal('session_ended');
    expect(await codeOf(sessions.end(id, 'deleted'))).to.equal(undefined);
  });

  it('says so when there is no such session', async () => {
    for (const attempt of [
      sessions.get('none'),
      sessions.attach('none'),
      sessions.amend('none', {}),
      sessions.end('none', 'deleted'),
      sessions.flowing('none', true),
    ]) {
      expect(await codeOf(attempt)).to.equal('session_not_found');
    }
  });

  it('ends after an hour without a client, and not while one is connected', async () => {
    const idle = await sessions.open({ agent: 'parrot' });
    const busy = await sessions.open({ agent: 'parrot' });
    await sessions.attach(busy.id);
    for (let seconds = 0; seconds < 7_200; seconds += 60) {
      clock.advance(60_000);
      await sessions.sweep();
    }
    expect(ended.map(({ id, endReason }) => [id, endReason])).to.deep.equal([[idle.id, 'expired']]);
    await sessions.detach(busy.id);
    clock.advance(3_600_000);
    await sessions.sweep();
    expect(ended).to.have.lengthOf(2);
  });

  it('changes variables and metadata and nothing else', async () => {
    const { id } = await sessions.open({ agent: 'parrot', campaign: 'spring', variables: { name: 'Ada' } });
    clock.advance(10);
    const changed = await sessions.amend(id, { metadata: { order: 8 } });
    expect(changed).to.include({ campaign: 'spring', updatedAt: clock.nowMs() });
    expect(changed.variables).to.deep.equal({ name: 'Ada' });
    expect(changed.metadata).to.deep.equal({ order: 8 });
  });
});
