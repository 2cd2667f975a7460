import { expect } from 'chai';
import type { RedisLink } from '../../signalling/redis-link.ts';
import { eventually } from '../support/eventually.ts';
import { ask, ClusterGroup, SentinelGroup } from '../support/redis-groups.ts';
import { openLink, storeOn } from '../support/redis-session-stores.ts';
import { itHandsSessionsOver, line } from '../support/session-hand-over-contract.ts';
import { sessionRecord } from '../support/session-record.ts';
import { itKeepsSessions } from '../support/session-store-contract.ts';

describe('RedisSessionStore on several servers', function () {
  this.timeout(60_000);

  describe('a cluster', () => {
    let cluster: ClusterGroup;
    let link: RedisLink;

    before(async () => {
      cluster = await ClusterGroup.start();
      link = await openLink(cluster.url);
    });

    after(async () => {
      await link.close();
      await cluster[Symbol.asyncDispose]();
    });

    const empty = async () => {
      await eventually(() => link.isUp);
      for (const node of cluster.nodes) await ask(node, 'FLUSHALL');
      return storeOn(link);
    };

    itKeepsSessions(empty);
    itHandsSessionsOver(empty);

    it('spreads sessions over its nodes, and mends the list of all of them', async () => {
      const store = await empty();
      const records = Array.from({ length: 20 }, () => sessionRecord({ state: 'queued' }));
      for (const record of records) await store.create(record);
      const sizes = await Promise.all(cluster.nodes.map(async (node) => Number(await ask(node, 'DBSIZE'))));
      expect(Math.min(...sizes)).to.be.above(1);
      for (const node of cluster.nodes) {
        const keys = (await ask(node, 'KEYS', '*sessions:active*')) as string[];
        for (const key of keys) await ask(node, 'DEL', key);
      }
      await eventually(async () => {
        await store.sweep(0);
        return (await store.counts()).queued === 20;
      });
      await store.sweep(1_000);
      await store.sweep(3_000);
      expect(await store.queue()).to.have.members(records.map(({ id }) => id));
    });
  });

  describe('a cluster of which a node hangs', () => {
    it('is away, but keeps the sessions of its other nodes, and is back when the node is', async () => {
      await using cluster = await ClusterGroup.start();
      const link = await openLink(cluster.url);
      try {
        await eventually(() => link.isUp);
        const store = storeOn(link);
        const records = Array.from({ length: 30 }, () => sessionRecord());
        for (const record of records) await store.create(record);
        cluster.nodes[2]!.pause();
        await eventually(() => !link.isUp);
        const found = await Promise.allSettled(records.map(({ id }) => store.get(id)));
        const kept = found.filter(({ status }) => status === 'fulfilled');
        expect(kept).to.have.lengthOf.within(1, 29);
        cluster.nodes[2]!.resume();
        await eventually(() => link.isUp, 20_000);
        await eventually(
          async () =>
            (await Promise.allSettled(records.map(({ id }) => store.get(id)))).every(
              ({ status }) => status === 'fulfilled',
            ),
          20_000,
        );
      } finally {
        await link.close();
      }
    });
  });

  describe('a Sentinel', () => {
    let group: SentinelGroup;
    let link: RedisLink;

    beforeEach(async () => {
      group = await SentinelGroup.start();
      link = await openLink(group.url);
    });

    afterEach(async () => {
      await link.close();
      await group[Symbol.asyncDispose]();
    });

    it('goes on with the replica when the master hangs', async () => {
      await eventually(() => link.isUp);
      const store = storeOn(link);
      group.master.pause();
      await eventually(() => !link.isUp, 20_000);
      await eventually(() => link.isUp, 30_000);
      await store.create(sessionRecord());
      group.master.resume();
      // It finds out that it is a replica now; nobody is led back to it.
      // Connections to it are closed as it changes its role.
      const role = async () => ((await ask(group.master, 'ROLE').catch(() => [])) as unknown[])[0];
      await eventually(async () => (await role()) === 'slave', 30_000);
      await store.create(sessionRecord());
      expect((await store.list({ limit: 5 })).sessions).to.have.lengthOf(2);
    });

    it('goes on with the replica when the master is gone, and under a new epoch', async () => {
      await eventually(() => link.isUp);
      const store = storeOn(link);
      const record = sessionRecord({ epoch: Date.now() });
      await store.create(record);
      await store.append(record.id, record.epoch, line('t1', 'user', 'one'));
      await ask(group.master, 'WAIT', 1, 5_000);
      await group.master.kill();
      await eventually(() => !link.isUp, 20_000);
      await eventually(() => link.isUp, 30_000);
      const answer = await store.claim(record.id, { claimId: 'c', podId: 'pod-a', fromEpoch: record.epoch });
      if (answer.outcome !== 'claimed') throw new Error(answer.outcome);
      expect(answer.session.transcript.map(({ text }) => text)).to.deep.equal(['one']);
      const { epoch } = answer.session.record;
      expect(epoch).to.be.above(record.epoch);
      expect(await store.append(record.id, epoch, line('t1', 'agent', 'two'))).to.equal(true);
      expect((await store.list({ limit: 5 })).sessions.map(({ id }) => id)).to.deep.equal([record.id]);
    });
  });
});
