import { expect } from 'chai';
import { PodUnreachable } from '../../signalling/errors.ts';
import type { MessageBus } from '../../signalling/message-bus.ts';
import { RedisLink, type RedisLinkOptions } from '../../signalling/redis-link.ts';
import { openRedisMessageBus } from '../../signalling/redis-message-bus.ts';
import { parseRedisTarget } from '../../signalling/redis-target.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { eventually } from '../support/eventually.ts';
import { itCarriesMessages } from '../support/message-bus-contract.ts';
import { ClusterGroup, SentinelGroup } from '../support/redis-groups.ts';
import { RedisServer } from '../support/redis-server.ts';
import { rejection } from '../support/rejection.ts';
import { memoryLog } from '../support/running-server.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** For these tests it is enough that a request is answered, or fails as it should, after anything up to this. */
const PATIENT = { timeoutMs: 30_000 };

describe('RedisMessageBus', () => {
  let redis: RedisServer;
  let opened: AsyncDisposableStack;

  before(async () => {
    redis = await RedisServer.start();
  });

  after(async () => redis.stop());

  beforeEach(() => {
    opened = new AsyncDisposableStack();
  });

  afterEach(async () => opened.disposeAsync());

  const openLink = async (url = redis.url, onCommand?: RedisLinkOptions['onCommand']): Promise<RedisLink> => {
    const target = parseRedisTarget(url)!;
    const link = await RedisLink.open({ target, log: memoryLog(), ...(onCommand && { onCommand }) });
    opened.defer(() => link.close());
    return link;
  };

  const openBus = async (podId: string, url = redis.url): Promise<MessageBus> => busOn(podId, await openLink(url));

  const busOn = async (podId: string, link: RedisLink): Promise<MessageBus> => {
    const bus = await openRedisMessageBus({ podId, link, log: memoryLog() });
    opened.defer(() => bus.close());
    return bus;
  };

  describe('while nothing is wrong', () => {
    itCarriesMessages(async () => ({ connect: openBus, close: () => opened.disposeAsync() }));
  });

  it('brings replies on the channel that it was told', async () => {
    const link = await openLink();
    const bus = await openRedisMessageBus({ podId: 'ada', link, log: memoryLog(), replyChannel: 'answers' });
    opened.defer(() => bus.close());
    expect(await link.commands.publish('answers:ada', 'nonsense')).to.equal(1);
    expect(await link.commands.publish('worker_responses:ada', 'nonsense')).to.equal(0);
  });

  it('drops what is no message of a pod', async () => {
    const [bus, link] = [await openBus('ada'), await openLink()];
    const heard: unknown[] = [];
    bus.subscribe('news', (payload) => heard.push(payload));
    bus.handle('news', async (payload) => heard.push(payload));
    const hostile = [
      '',
      '{',
      'null',
      '[]',
      '{"type":"tell"}',
      '{"type":"tell","from":"","name":"news"}',
      '{"type":"tell","from":7,"name":"news"}',
      '{"type":"request","from":"eve","id":"1","name":"news"}',
      '{"type":"request","from":"eve","id":"1","name":"news","timeoutMs":1e9}',
      '{"type":"reply","from":"eve","id":"1","ok":"yes"}',
      '{"type":"reply","from":"eve","id":"1","ok":true}',
      '{"type":"cancel","from":"eve","id":"1"}',
      '{"__proto__":{"type":"tell"},"from":"eve","name":"news"}',
      `{"type":"tell","from":"eve","name":"news","payload":"${'x'.repeat(1_100_000)}"}`,
    ];
    for (const text of hostile) {
      for (const channel of ['parley:pod:ada', 'worker_responses:ada', 'parley:pods', 'parley:topic:news']) {
        await link.commands.publish(channel, text);
      }
    }
    await link.commands.publish('parley:pod:ada', Buffer.from([0xff, 0xfe, 0x00]));
    await link.commands.publish('parley:pod:ada', '{"type":"tell","from":"eve","name":"news","payload":"good"}');
    await eventually(() => heard.includes('good'));
    expect(heard).to.deep.equal(['good']);
  });

  describe('with one pod behind a network that breaks', () => {
    let proxy: CutProxy;
    let far: MessageBus;
    let near: MessageBus;
    /** What went wrong between `near` and Redis, as it may on a machine that is short of time. */
    let troubles: number;
    /** How often each question was handled, by who asked and which it was. */
    let handled: Map<string, number>;

    beforeEach(async () => {
      proxy = await CutProxy.start(redis.port);
      opened.defer(() => proxy.close());
      troubles = 0;
      const link = await openLink(redis.url, (_operation, _seconds, outcome) => {
        if (outcome === 'unavailable') troubles += 1;
      });
      link.on('down', () => (troubles += 1));
      near = await busOn('near', link);
      far = await openBus('far', `redis://127.0.0.1:${proxy.port}`);
      handled = new Map();
      for (const pod of [near, far]) {
        pod.handle('note', async (payload, from) => {
          const key = `${from} ${String(payload)}`;
          handled.set(key, (handled.get(key) ?? 0) + 1);
          return key;
        });
      }
    });

    /** 100 questions a second each way; what became of them. */
    const converse = (timeoutMs: number) => {
      const outcomes: Promise<{ key: string; is: unknown }>[] = [];
      let number = 0;
      const ask = async (from: MessageBus, to: MessageBus): Promise<{ key: string; is: unknown }> => {
        const question = (number += 1);
        const key = `${from.podId} ${question}`;
        try {
          const answer = await from.request(to.podId, 'note', question, { timeoutMs });
          return { key, is: answer === key ? 'answered' : answer };
        } catch (error) {
          return { key, is: error instanceof PodUnreachable ? error.reason : error };
        }
      };
      const timer = setInterval(() => outcomes.push(ask(near, far), ask(far, near)), 10);
      return async (): Promise<{ key: string; is: unknown }[]> => {
        clearInterval(timer);
        return Promise.all(outcomes);
      };
    };

    /** Nothing handled twice, nothing answered that was not handled. */
    const expectOnceEach = (outcomes: { key: string; is: unknown }[]): void => {
      for (const [key, times] of handled) expect(times, key).to.equal(1);
      for (const { key, is } of outcomes) if (is === 'answered') expect(handled.get(key), key).to.equal(1);
    };

    for (const how of ['cut', 'freeze'] as const) {
      it(`answers every question after a second of ${how}, each handled once`, async () => {
        const stop = converse(PATIENT.timeoutMs);
        await pause(300);
        proxy[how]();
        await pause(1_000);
        proxy.heal();
        await pause(300);
        const outcomes = await stop();
        expectOnceEach(outcomes);
        expect(new Set(outcomes.map(({ is }) => is))).to.deep.equal(new Set(['answered']));
      }).timeout(60_000);

      it(`answers or says why not through 30 s of ${how}, each handled at most once`, async () => {
        const stop = converse(2_000);
        await pause(4_000);
        proxy[how]();
        await pause(30_000);
        proxy.heal();
        await eventually(async () => (await outcomeOf(far, near)) === 'answered');
        await eventually(async () => (await outcomeOf(near, far)) === 'answered');
        const outcomes = await stop();
        expectOnceEach(outcomes);
        const reasons = (from: string) =>
          new Set(outcomes.flatMap(({ key, is }) => (key.startsWith(from) ? [is] : [])));
        // Who is cut off never blames the other.
        expect(reasons('far')).to.deep.equal(new Set(['answered', 'cut_off']));
        // A broken connection looks gone from the other side; one of which nobody knows takes its time.
        expect(reasons('near')).to.include.all.keys('answered');
        if (troubles === 0) expect(reasons('near')).to.not.include.any.keys('cut_off');
      }).timeout(90_000);
    }

    const outcomeOf = async (from: MessageBus, to: MessageBus): Promise<unknown> => {
      try {
        await from.request(to.podId, 'note', `again ${Math.random()}`, { timeoutMs: 1_000 });
        return 'answered';
      } catch (error) {
        return error;
      }
    };

    it('knows that it cannot hear the others, and since when it can', async () => {
      await eventually(() => far.steadySince !== undefined);
      proxy.cut();
      await eventually(() => far.steadySince === undefined);
      const healedAt = Date.now();
      proxy.heal();
      await eventually(() => far.steadySince !== undefined);
      expect(far.steadySince).to.be.at.least(healedAt);
    });
  });

  describe('with a Redis that goes away', () => {
    let own: RedisServer;
    let ada: MessageBus;
    let bob: MessageBus;
    let handled: unknown[];

    beforeEach(async () => {
      own = await RedisServer.start();
      opened.defer(() => own.stop());
      ada = await openBus('ada', own.url);
      bob = await openBus('bob', own.url);
      handled = [];
      bob.handle('note', async (payload) => {
        handled.push(payload);
        return 'noted';
      });
    });

    it('asks on when it is back, empty', async () => {
      await own.kill();
      const asked = ada.request('bob', 'note', 1, PATIENT);
      expect(await rejection(ada.request('bob', 'note', 2, { timeoutMs: 500 }))).to.include({ reason: 'cut_off' });
      await own.restart({ empty: true });
      expect(await asked).to.equal('noted');
      expect(handled).to.deep.equal([1]);
    });

    it('asks on when it goes on after it stood still', async () => {
      own.pause();
      const asked = ada.request('bob', 'note', 1, PATIENT);
      await pause(3_000);
      own.resume();
      expect(await asked).to.equal('noted');
      expect(handled).to.deep.equal([1]);
    });

    it('answers itself meanwhile, and hears itself', async () => {
      await own.kill();
      ada.handle('echo', async (payload) => payload);
      expect(await ada.request('ada', 'echo', 1, PATIENT)).to.equal(1);
      const heard: unknown[] = [];
      ada.subscribe('news', (payload) => heard.push(payload));
      ada.publish('news', 1);
      ada.tell('bob', 'news', 1);
      await eventually(() => heard.length === 1);
    });

    it('comes in when Redis was not there at first', async () => {
      await own.kill();
      const eve = await openBus('eve', own.url);
      eve.handle('echo', async (payload) => payload);
      expect(eve.steadySince).to.equal(undefined);
      await own.restart();
      expect(await ada.request('eve', 'echo', 1, PATIENT)).to.equal(1);
    });
  });

  for (const [name, start] of [
    ['Sentinel', () => SentinelGroup.start()],
    ['Cluster', () => ClusterGroup.start()],
  ] as const) {
    it(`asks, publishes, and tells who is gone under ${name}`, async () => {
      const group = opened.use(await start());
      const [ada, bob] = [await openBus('ada', group.url), await openBus('bob', group.url)];
      bob.handle('echo', async (payload) => payload);
      expect(await ada.request('bob', 'echo', 1, PATIENT)).to.equal(1);
      const heard: unknown[] = [];
      bob.subscribe('news', (payload) => heard.push(payload));
      await eventually(() => {
        ada.publish('news', 1);
        return heard.length > 0;
      });
      expect(await ada.ask('echo', 2, { timeoutMs: 15_000 })).to.deep.equal([{ podId: 'bob', answer: 2 }]);
      expect(await rejection(ada.request('nobody', 'echo', 1, PATIENT))).to.include({ reason: 'gone' });
    }).timeout(60_000);
  }

  it('asks on after one of the nodes of a Cluster was started anew', async () => {
    const group = opened.use(await ClusterGroup.start());
    const [ada, bob] = [await openBus('ada', group.url), await openBus('bob', group.url)];
    bob.handle('echo', async (payload) => payload);
    expect(await ada.request('bob', 'echo', 1, PATIENT)).to.equal(1);
    for (const node of group.nodes) {
      await node.restart();
      expect(await ada.request('bob', 'echo', node.port, PATIENT)).to.equal(node.port);
    }
  }).timeout(120_000);
});
