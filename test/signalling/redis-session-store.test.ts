import { expect } from 'chai';
import { StoreUnavailable } from '../../signalling/errors.ts';
import type { RedisLink } from '../../signalling/redis-link.ts';
import type { RedisSessionStore } from '../../signalling/redis-session-store.ts';
import { transition } from '../../signalling/session.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from '../support/redis-groups.ts';
import { RedisServer } from '../support/redis-server.ts';
import { openLink, rejection, SESSION_TTL_MS, storeOn } from '../support/redis-session-stores.ts';
import { itHandsSessionsOver, line } from '../support/session-hand-over-contract.ts';
import { sessionRecord } from '../support/session-record.ts';
import { itKeepsSessions } from '../support/session-store-contract.ts';

describe('RedisSessionStore', function () {
  this.timeout(60_000);
  let server: RedisServer;
  let link: RedisLink;

  before(async () => {
    server = await RedisServer.start({ keepsData: true });
    link = await openLink(server.url);
  });

  after(async () => {
    await link.close();
    await server.stop();
  });

  const empty = async () => {
    await eventually(() => link.isUp);
    await ask(server, 'FLUSHALL');
    return storeOn(link);
  };

  describe('as any store', () => {
    itKeepsSessions(empty);
    itHandsSessionsOver(empty);
  });

  describe('keeps for as long as it must', () => {
    const timeLeft = async (id: string) => Number(await ask(server, 'PTTL', `session:{${id}}`));

    it('a session until its time is over and its time to live after that, anew with every write', async () => {
      const store = await empty();
      const record = sessionRecord({ expiresAt: Date.now() + 10_000 });
      await store.create(record);
      expect(await timeLeft(record.id)).to.be.within(SESSION_TTL_MS + 5_000, SESSION_TTL_MS + 10_000);
      for (const write of [
        () => store.append(record.id, 100, line('t1', 'user')),
        () => store.keepContinuation(record.id, 100, { turn: 1 }),
        () => store.renew(record.id, 100, record.expiresAt),
        () => store.update(record.id, 100, (before) => ({ ...before, metadata: { a: 1 } })),
        () => store.put({ record: { ...record, epoch: 200 }, transcript: [] }),
        () => store.claim(record.id, { claimId: 'c', podId: 'pod-b', fromEpoch: 200 }),
      ]) {
        await ask(server, 'PEXPIRE', `session:{${record.id}}`, 1_000);
        await write();
        expect(await timeLeft(record.id), write.toString()).to.be.above(SESSION_TTL_MS);
      }
      for (const part of ['turns', 'said']) {
        expect(Number(await ask(server, 'PTTL', `session:{${record.id}}:${part}`))).to.be.above(SESSION_TTL_MS);
      }
    });

    it('one that has ended for its time to live, then drops all of it', async () => {
      const store = await empty();
      const record = sessionRecord({ expiresAt: Date.now() + 1_000_000 });
      await store.create(record);
      await store.append(record.id, 100, line('t1', 'user'));
      const endedAt = Date.now();
      await store.update(record.id, 100, (before) => transition(before, { type: 'end', reason: 'left' }, endedAt));
      expect(await timeLeft(record.id)).to.be.within(SESSION_TTL_MS - 5_000, SESSION_TTL_MS);
      await store.sweep(endedAt + SESSION_TTL_MS - 1);
      expect(await store.get(record.id)).to.include({ state: 'ended' });
      await store.sweep(endedAt + SESSION_TTL_MS);
      expect(await ask(server, 'KEYS', '*'), 'what is left').to.deep.equal(['{sessions:active}:sweeper']);
    });
  });

  describe('mends what lies beside the sessions', () => {
    const sweepTwice = async (store: RedisSessionStore, nowMs: number) => {
      await store.sweep(nowMs);
      await store.sweep(nowMs + 2_000);
    };

    it('lists a session again of which the list knew nothing', async () => {
      const store = await empty();
      const record = sessionRecord({ state: 'live' });
      await store.create(record);
      await ask(server, 'DEL', 'sessions:active', '{sessions:active}:live', '{sessions:active}:due');
      expect((await store.list({ limit: 5 })).sessions).to.deep.equal([]);
      await store.sweep(0);
      expect((await store.list({ limit: 5 })).sessions).to.deep.equal([record]);
      expect(await store.counts()).to.include({ live: 1 });
      expect((await store.sweep(record.expiresAt)).map(({ id }) => id)).to.deep.equal([record.id]);
    });

    it('lists no session that is gone, and none under a state that it has left', async () => {
      const store = await empty();
      const [gone, ended] = [sessionRecord({ state: 'live' }), sessionRecord({ state: 'live' })];
      await store.create(gone);
      await store.create(ended);
      await ask(server, 'DEL', `session:{${gone.id}}`);
      await ask(server, 'HSET', `session:{${ended.id}}`, 'state', 'ended', 'updatedAt', Date.now());
      expect((await store.list({ limit: 5, state: 'live' })).sessions).to.deep.equal([]);
      await store.sweep(0);
      expect(await store.counts()).to.deep.equal({ queued: 0, ready: 0, live: 0, interrupted: 0, ended: 1 });
    });

    it('puts a session that was taken off the queue and given no place back, before all others', async () => {
      const store = await empty();
      const waiting = [1, 2, 3].map((createdAt) => sessionRecord({ state: 'queued', createdAt }));
      for (const record of waiting) {
        await store.create(record);
        await store.enqueue(record.id, 10);
      }
      const ids = waiting.map(({ id }) => id);
      expect(await store.dequeue()).to.equal(ids[0]);
      expect(await store.dequeue()).to.equal(ids[1]);
      await store.sweep(0);
      expect(await store.queue(), 'somebody may be placing them').to.deep.equal([ids[2]]);
      await store.sweep(2_000);
      expect(await store.queue()).to.deep.equal(ids);
    });

    it('takes off the queue what waits no longer', async () => {
      const store = await empty();
      const record = sessionRecord({ state: 'ready' });
      await store.create(record);
      await store.enqueue(record.id, 10);
      await store.enqueue('nobody', 10);
      await sweepTwice(store, 0);
      expect(await store.queue()).to.deep.equal([]);
    });
  });

  describe('among several pods', () => {
    it('tells each pod of its own sessions, and one of them at a time of all others', async () => {
      await empty();
      let nowMs = Date.now();
      const pod = (podId: string) => storeOn(link, { podId, nowMs: () => nowMs });
      const [a, b] = [pod('pod-a'), pod('pod-b')];
      const [own, others] = ['pod-a', 'pod-c'].map((ownerPod) => sessionRecord({ ownerPod, expiresAt: 1_000 }));
      await a.create(own!);
      await a.create(others!);
      const named = async (store: RedisSessionStore) => (await store.sweep(1_000)).map(({ ownerPod }) => ownerPod);
      expect(await named(b), 'owners have time to come back').to.deep.equal([]);
      nowMs += 20_000;
      expect(await named(b)).to.have.members(['pod-a', 'pod-c']);
      expect(await named(a)).to.deep.equal(['pod-a']);
      // Whoever mends has died: another pod does so instead.
      await eventually(async () => (await named(a)).length === 2);
      expect(await named(b)).to.deep.equal([]);
    });

    it('grants one of many claims that come at once', async () => {
      const store = await empty();
      const record = sessionRecord();
      await store.create(record);
      const claims = Array.from({ length: 20 }, (_, index) =>
        store.claim(record.id, { claimId: `claim-${index}`, podId: `pod-${index}`, fromEpoch: 100 }),
      );
      const answers = await Promise.all(claims);
      expect(answers.filter(({ outcome }) => outcome === 'claimed')).to.have.lengthOf(1);
      expect(answers.filter(({ outcome }) => outcome === 'overtaken')).to.have.lengthOf(19);
    });

    it('keeps two fleets on one Redis apart by their prefix', async () => {
      const store = await empty();
      const other = storeOn(link, { keyPrefix: 'b[1]:', queueKey: 'b:voice_sessions' });
      const record = sessionRecord({ expiresAt: 1 });
      await other.create(record);
      expect(await store.get(record.id)).to.equal(undefined);
      expect(await store.sweep(5)).to.deep.equal([]);
      expect((await other.sweep(5)).map(({ id }) => id)).to.deep.equal([record.id]);
      await ask(server, 'DEL', 'b[1]:sessions:active');
      await other.sweep(5);
      expect((await other.list({ limit: 5 })).sessions).to.have.lengthOf(1);
    });
  });

  describe('without Redis', () => {
    it('fails at once while it is paused, and works again after', async () => {
      const store = await empty();
      const record = sessionRecord();
      await store.create(record);
      server.pause();
      try {
        const commands = [
          store.get(record.id),
          store.create(sessionRecord()),
          store.update(record.id, 100, (before) => ({ ...before, metadata: {} })),
          store.append(record.id, 100, line('t1', 'user')),
          store.claim(record.id, { claimId: 'c', podId: 'pod-a', fromEpoch: 100 }),
          store.list({ limit: 5 }),
          store.enqueue('x', 5),
          store.sweep(0),
        ];
        for (const error of await Promise.all(commands.map(rejection))) {
          expect(error).to.be.instanceOf(StoreUnavailable);
        }
        await eventually(() => !link.isUp);
        expect(await rejection(store.get(record.id))).to.be.instanceOf(StoreUnavailable);
      } finally {
        server.resume();
      }
      await eventually(() => link.isUp);
      expect(await store.get(record.id)).to.have.property('id', record.id);
      // What was given up may have been done nevertheless; to do it again does no harm.
      await store.claim(record.id, { claimId: 'c', podId: 'pod-a', fromEpoch: 100 });
      const { epoch } = (await store.get(record.id))!;
      await store.append(record.id, epoch, line('t1', 'user'));
      expect(await store.transcript(record.id)).to.have.lengthOf(1);
    });

    it('takes no write that comes late, when nobody waits for it any longer', async () => {
      await empty();
      /** What the network holds back. */
      const held: (() => Promise<unknown>)[] = [];
      let holds = true;
      const run: RedisLink['run'] = async (operation, command) => {
        if (!holds) return link.run(operation, command);
        held.push(() => link.run(operation, command));
        throw new StoreUnavailable(operation);
      };
      const slow = new Proxy(link, { get: (target, name) => (name === 'run' ? run : Reflect.get(target, name)) });
      const store = storeOn(slow);
      const record = sessionRecord({ state: 'live' });
      await storeOn(link).create(record);
      await rejection(store.put({ record, transcript: [line('t1', 'user')] }));
      await rejection(store.keepContinuation(record.id, 100, { turn: 1 }));
      holds = false;
      await store.keepContinuation(record.id, 100, { turn: 2 });
      await store.update(record.id, 100, (before) => transition(before, { type: 'end', reason: 'left' }, 5));
      for (const deliver of held) expect(await deliver()).to.include('late');
      expect(await store.load(record.id)).to.have.nested.property('record.state', 'ended');
      expect(await store.load(record.id)).to.have.nested.property('continuation.turn', 2);
    });

    it('takes all that is written at once to a server that has forgotten its scripts', async () => {
      const store = await empty();
      const record = sessionRecord();
      await store.create(record);
      await ask(server, 'SCRIPT', 'FLUSH');
      await store.append(record.id, 100, line('t0', 'user'));
      await Promise.all([
        store.renew(record.id, 100, 70_000),
        store.append(record.id, 100, line('t1', 'user')),
        store.keepContinuation(record.id, 100, { turn: 1 }),
        store.append(record.id, 100, line('t2', 'user')),
      ]);
      const kept = await store.load(record.id);
      expect(kept?.record.expiresAt).to.equal(70_000);
      expect(kept?.transcript).to.have.lengthOf(3);
      expect(kept?.continuation).to.deep.equal({ turn: 1 });
    });

    it('takes everything back from its owners after it was restarted empty', async () => {
      const store = await empty();
      const record = sessionRecord({ epoch: Date.now(), state: 'live' });
      await store.create(record);
      await server.restart({ empty: true });
      await eventually(() => link.isUp);
      expect(await store.get(record.id)).to.equal(undefined);
      await store.put({ record, transcript: [line('t1', 'user')] });
      expect((await store.list({ limit: 5 })).sessions).to.deep.equal([record]);
      const claim = await store.claim(record.id, { claimId: 'c', podId: 'pod-b', fromEpoch: record.epoch });
      expect(claim).to.have.nested.property('session.record.epoch').that.is.above(record.epoch);
    });

    it('has what was written after it was restarted', async () => {
      const store = await empty();
      const record = sessionRecord();
      await store.create(record);
      await store.append(record.id, 100, line('t1', 'user'));
      await server.restart();
      await eventually(() => link.isUp);
      expect(await store.load(record.id)).to.deep.equal({ record, transcript: [line('t1', 'user')] });
    });

    it('is as good as away when its memory is full', async () => {
      const store = await empty();
      await ask(server, 'CONFIG', 'SET', 'maxmemory', 1);
      try {
        expect(await rejection(store.create(sessionRecord()))).to.be.instanceOf(StoreUnavailable);
      } finally {
        await ask(server, 'CONFIG', 'SET', 'maxmemory', 0);
      }
    });
  });
});
