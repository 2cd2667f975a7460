import { expect } from 'chai';
import { decodePodMessage } from '../../signalling/pod-message.ts';
import type { Pod, PodLoad } from '../../signalling/pods.ts';
import { RedisLink } from '../../signalling/redis-link.ts';
import { openRedisMessageBus } from '../../signalling/redis-message-bus.ts';
import { RedisPods } from '../../signalling/redis-pods.ts';
import { parseRedisTarget } from '../../signalling/redis-target.ts';
import { eventually } from '../support/eventually.ts';
import { ClusterGroup } from '../support/redis-groups.ts';
import { RedisServer } from '../support/redis-server.ts';
import { memoryLog } from '../support/running-server.ts';

const HEARTBEAT_MS = 500;
/** Where the next heartbeat is too far off to be what tells the others. */
const SLOW_MS = 60_000;

type TestPod = { pods: RedisPods; link: RedisLink; log: ReturnType<typeof memoryLog>; load: PodLoad };

describe('RedisPods', () => {
  let redis: RedisServer;
  let opened: AsyncDisposableStack;

  beforeEach(async () => {
    opened = new AsyncDisposableStack();
    redis = opened.use(await RedisServer.start());
  });

  afterEach(async () => opened.disposeAsync());

  const openPod = async (podId: string, heartbeatMs = HEARTBEAT_MS, url = redis.url): Promise<TestPod> => {
    const log = memoryLog();
    const link = await RedisLink.open({ target: parseRedisTarget(url)!, log });
    opened.defer(() => link.close());
    const bus = await openRedisMessageBus({ podId, link, log });
    opened.defer(() => bus.close());
    const load: PodLoad = { calls: 0, capacity: 10, loopDelayMs: 0, draining: false };
    const describe = (): PodLoad => ({ ...load });
    const pods = await RedisPods.open({ podId, version: '1.2.3', link, bus, log, describe, heartbeatMs });
    opened.defer(() => pods.close());
    return { pods, link, log, load };
  };

  const idsOf = ({ pods }: TestPod): string[] =>
    pods
      .list()
      .map(({ id }) => id)
      .sort();

  const seenBy = ({ pods }: TestPod, id: string): Pod | undefined => pods.list().find((pod) => pod.id === id);

  it('lists itself and all others, each with its load', async () => {
    const ada = await openPod('ada');
    const bob = await openPod('bob');
    expect(idsOf(bob)).to.deep.equal(['ada', 'bob']);
    await eventually(() => idsOf(ada).length === 2);
    Object.assign(bob.load, { calls: 3, capacity: 7, loopDelayMs: 1.5 });
    await eventually(() => seenBy(ada, 'bob')?.calls === 3);
    const { startedAt, heardAt, ...seen } = seenBy(ada, 'bob')!;
    expect(seen).to.deep.equal({
      id: 'bob',
      version: '1.2.3',
      calls: 3,
      capacity: 7,
      loopDelayMs: 1.5,
      draining: false,
    });
    expect(startedAt).to.be.at.most(heardAt);
  });

  it('complains of another process that has its name, and of none that had it before', async () => {
    const former = await openPod('ada', SLOW_MS);
    const { log, link } = await openPod('ada');
    const complaints = () => log.lines.filter(({ message }) => message.includes('has the name of this pod'));
    const beats = async () =>
      decodePodMessage((await link.run('test', (asked) => asked.get('pod:ada'))) ?? '')?.beat ?? 0;
    await eventually(async () => (await beats()) >= 3);
    expect(complaints()).to.deep.equal([]);
    former.pods.announce();
    await eventually(() => complaints().length === 1);
  });

  it('knows of its own load without asking anybody', async () => {
    const ada = await openPod('ada', SLOW_MS);
    ada.load.calls = 4;
    expect(seenBy(ada, 'ada')?.calls).to.equal(4);
  });

  it('tells the others at once what is announced', async () => {
    const [ada, bob] = [await openPod('ada', SLOW_MS), await openPod('bob', SLOW_MS)];
    await eventually(() => idsOf(ada).length === 2);
    bob.load.draining = true;
    for (let index = 0; index < 100; index++) bob.pods.announce();
    await eventually(() => seenBy(ada, 'bob')?.draining === true);
  });

  it('leaves out a pod that has closed, at once', async () => {
    const [ada, bob] = [await openPod('ada', SLOW_MS), await openPod('bob', SLOW_MS)];
    await eventually(() => idsOf(ada).length === 2);
    await bob.pods.close();
    await bob.pods.close();
    bob.pods.announce();
    await eventually(() => idsOf(ada).length === 1);
    expect(ada.pods.absent()).to.deep.equal([]);
    expect(await ada.link.commands.smembers('pods')).to.deep.equal(['ada']);
    expect(await ada.link.commands.exists('pod:bob')).to.equal(0);
  });

  it('leaves out a pod that has fallen silent, forgets its load, and goes on naming it as missing', async () => {
    const [ada, bob] = [await openPod('ada'), await openPod('bob')];
    await eventually(() => idsOf(ada).length === 2);
    expect(ada.pods.absent()).to.deep.equal([]);
    await bob.link.close();
    await eventually(() => idsOf(ada).length === 1);
    expect(ada.pods.absent()).to.deep.equal(['bob']);
    await eventually(async () => (await ada.link.commands.smembers('pods')).length === 1);
    expect(await ada.link.commands.exists('pod:bob')).to.equal(0);
  });

  it('keeps a pod whose clock is wrong', async () => {
    const ada = await openPod('ada');
    const message = { id: 'eve', version: '1', startedAt: 1, calls: 0, capacity: 1, loopDelayMs: 0, draining: false };
    await ada.link.commands.sadd('pods', 'eve');
    await ada.link.commands.set('pod:eve', JSON.stringify({ ...message, beat: 1 }), 'EX', 60);
    await eventually(() => seenBy(ada, 'eve') !== undefined);
    expect(seenBy(ada, 'eve')!.heardAt).to.be.closeTo(Date.now(), 10_000);
  });

  it('leaves out a pod that says the same again and again', async () => {
    const ada = await openPod('ada');
    const message = { id: 'eve', version: '1', startedAt: 1, calls: 0, capacity: 1, loopDelayMs: 0, draining: false };
    await ada.link.commands.sadd('pods', 'eve');
    await ada.link.commands.set('pod:eve', JSON.stringify({ ...message, beat: 1 }), 'EX', 60);
    await eventually(() => seenBy(ada, 'eve') !== undefined);
    await eventually(() => seenBy(ada, 'eve') === undefined);
  });

  it('takes no notice of what is no pod', async () => {
    const ada = await openPod('ada');
    const { commands } = ada.link;
    const hostile = ['', '{', 'null', '[]', '7', '{"id":"eve"}', '{"id":"other","version":"1"}'];
    for (const [index, text] of hostile.entries()) {
      await commands.sadd('pods', `eve-${index}`);
      await commands.set(`pod:eve-${index}`, text);
    }
    const bob = await openPod('bob');
    expect(idsOf(bob)).to.deep.equal(['ada', 'bob']);
  });

  it('is alone while Redis is away, says so, and finds the others again', async () => {
    const [ada, bob] = [await openPod('ada'), await openPod('bob')];
    await eventually(() => idsOf(ada).length === 2);
    expect(ada.pods.aloneBecause).to.equal(undefined);
    await redis.kill();
    await eventually(() => idsOf(ada).length === 1 && idsOf(bob).length === 1);
    expect(ada.pods.aloneBecause).to.equal('redis_away');
    await redis.restart({ empty: true });
    await eventually(() => idsOf(ada).length === 2 && idsOf(bob).length === 2);
    expect(ada.pods.aloneBecause).to.equal(undefined);
  });

  it('starts and closes while Redis is away', async () => {
    await redis.kill();
    const ada = await openPod('ada');
    expect(idsOf(ada)).to.deep.equal(['ada']);
    await ada.pods.close();
  });

  it('finds the others in a Cluster', async () => {
    const group = opened.use(await ClusterGroup.start());
    const pods: TestPod[] = [];
    for (const id of ['ada', 'bob', 'eve']) pods.push(await openPod(id, HEARTBEAT_MS, group.url));
    await eventually(() => pods.every((pod) => idsOf(pod).length === 3));
  }).timeout(60_000);
});
