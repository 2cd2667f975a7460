import { expect } from 'chai';
import { RedisLink } from '../../signalling/redis-link.ts';
import { RedisOutbox } from '../../signalling/redis-outbox.ts';
import { parseRedisTarget } from '../../signalling/redis-target.ts';
import { eventually } from '../support/eventually.ts';
import { RedisServer } from '../support/redis-server.ts';
import { memoryLog } from '../support/running-server.ts';

describe('RedisOutbox', () => {
  let redis: RedisServer;
  let links: RedisLink[];

  beforeEach(async () => {
    links = [];
    redis = await RedisServer.start();
  });

  afterEach(async () => {
    await Promise.all(links.map((link) => link.close()));
    await redis.stop();
  });

  const outboxOfAPod = async (leaseMs = 60_000): Promise<RedisOutbox> => {
    const link = await RedisLink.open({ target: parseRedisTarget(redis.url)!, log: memoryLog() });
    links.push(link);
    return new RedisOutbox({ link, leaseMs });
  };

  it('gives nobody what somebody sees to', async () => {
    const [ada, bob] = [await outboxOfAPod(), await outboxOfAPod()];
    await ada.keep(['a', 'b']);
    expect(await bob.take(10)).to.deep.equal([]);
    expect(await ada.take(10)).to.deep.equal([]);
  });

  it('gives to one of several what was left, so many at a time', async () => {
    const [ada, bob, cyd] = [await outboxOfAPod(), await outboxOfAPod(), await outboxOfAPod()];
    await ada.keep(['a', 'b', 'c']);
    await ada.leave(['a', 'b', 'c']);
    const taken = await Promise.all([bob.take(2), cyd.take(2)]);
    expect(taken.flat().sort()).to.deep.equal(['a', 'b', 'c']);
    for (const ids of taken) expect(ids).to.have.lengthOf.within(1, 2);
  });

  it('gives to others what a pod no longer sees to', async () => {
    const [dead, other] = [await outboxOfAPod(50), await outboxOfAPod()];
    await dead.keep(['a']);
    await eventually(async () => (await other.take(1)).includes('a'));
  });

  it('forgets what was told, and does not keep what was forgotten by leaving it', async () => {
    const outbox = await outboxOfAPod();
    await outbox.keep(['a']);
    for (let times = 0; times < 2; times += 1) await outbox.remove('a');
    await outbox.leave(['a']);
    expect(await outbox.take(10)).to.deep.equal([]);
  });
});
