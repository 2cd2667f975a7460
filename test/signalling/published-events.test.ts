import { expect } from 'chai';
import { Redis } from 'ioredis';
import { becomes } from '../support/becomes.ts';
import { Callers } from '../support/callers.ts';
import { RedisServer } from '../support/redis-server.ts';
import { startTestServer } from '../support/running-server.ts';
import type { TestServer } from '../support/running-server.ts';

const TOKEN_SECRET = 'a secret of more than thirty-two characters';

type Published = { type: string; from: string; name: string; payload: Record<string, unknown> };

/** What docs/events.md promises, as any program hears it that can connect to Redis. */
describe('events for other programs', () => {
  let redis: RedisServer;
  let subscriber: Redis;
  let pods: TestServer[];
  let callers: Callers[];
  const heard: (Published & { channel: string })[] = [];

  before(async () => {
    redis = await RedisServer.start();
    const names = { REDIS_URL: redis.url, TOKEN_SECRET, WORKER_POOL_SIZE: '1' };
    pods = [await startTestServer({ ...names, POD_ID: 'pod-0' }), await startTestServer({ ...names, POD_ID: 'pod-1' })];
    callers = pods.map((pod) => new Callers(pod));
    subscriber = new Redis(redis.port, redis.host);
    subscriber.on('pmessage', (_pattern, channel, text) => heard.push({ channel, ...(JSON.parse(text) as Published) }));
    await subscriber.psubscribe('parley:topic:session.*', 'parley:topic:turn.*');
    for (const pod of pods) {
      await becomes(async () => expect((await pod.request('GET', '/metrics')).text).to.include('parley_pods 2'));
    }
  });

  after(async () => {
    subscriber.disconnect();
    for (const caller of callers) caller.close();
    await Promise.all(pods.map((pod) => pod.close()));
    await redis.stop();
  });

  const hears = async (name: string, from: string, payload: object): Promise<void> =>
    becomes(() => {
      const told = heard
        .filter((event) => event.name === name)
        .map(({ channel, type, ...event }) => [channel, type, event]);
      expect(told).to.deep.include([`parley:topic:${name}`, 'tell', { from, name, payload }]);
    });

  it('tell of a session from its beginning through a move to its end', async () => {
    const { id, token } = await pods[0]!.open();
    const podId = (await pods[0]!.request('GET', `/v2/sessions/${id}`)).body.pod;
    const owner = Number(podId.slice(-1));
    const target = `pod-${1 - owner}`;
    await hears('session.created', 'pod-0', { id, podId, state: 'ready' });

    const client = await callers[owner]!.connect(token);
    await client.join();
    pods[owner]!.calls.tellFlowing(id, true);
    const line = { turnId: 't1', role: 'user', text: 'not for everybody', final: true, startMs: 0, endMs: 1 } as const;
    pods[owner]!.calls.tell(id, { name: 'transcript', data: line });
    await hears('turn.committed', podId, { id, turnId: 't1', role: 'user' });
    expect(JSON.stringify(heard)).not.to.include(line.text);

    pods[owner]!.calls.tellFlowing(id, false);
    await hears('session.interrupted', podId, { id });
    pods[owner]!.calls.tellFlowing(id, true);

    await pods[owner]!.request('POST', '/v2/drain');
    await hears('session.moved', podId, { id, from: podId, podId: target });
    const claimed = heard.find(({ name }) => name === 'session.claimed');
    expect(claimed).to.deep.include({ from: target });
    expect(claimed?.payload)
      .to.include({ id, podId: target, cause: 'handover' })
      .and.have.property('epoch')
      .that.is.a('number');

    await pods[owner]!.request('DELETE', `/v2/sessions/${id}`);
    await hears('session.ended', target, { id, reason: 'deleted' });
    await pods[owner]!.request('DELETE', '/v2/drain');
  });
});
