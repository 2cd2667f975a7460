import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { RedisServer } from '../support/redis-server.ts';
import { startTestServer } from '../support/running-server.ts';
import type { TestServer } from '../support/running-server.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

type Event = { session: { id: string; endReason: string } };

describe('the webhook of a fleet', () => {
  let redis: RedisServer;
  let receiver: WebhookReceiver;
  let pods: TestServer[];

  beforeEach(async () => {
    redis = await RedisServer.start();
    receiver = await new WebhookReceiver().start();
    pods = [];
    for (const name of ['pod-0', 'pod-1']) pods.push(await startTestServer(environmentOf(name)));
    for (const pod of pods) {
      await eventually(async () => (await pod.request('GET', '/metrics')).text.includes('parley_pods 2'), 20_000);
    }
  });

  afterEach(async () => {
    await Promise.all(pods.map((pod) => pod.close()));
    await receiver.stop();
    await redis.stop();
  });

  const environmentOf = (name: string) => ({
    POD_ID: name,
    REDIS_URL: redis.url,
    TOKEN_SECRET: 'a secret of more than thirty-two characters',
    WEBHOOK_URL: receiver.url,
    WEBHOOK_SECRET: 'another secret of more than thirty-two characters',
  });

  /** A session, the pod that leads it, and the other one. */
  const open = async (): Promise<{ id: string; owner: TestServer; other: TestServer }> => {
    const { id } = await pods[0]!.open();
    const { pod } = (await pods[0]!.request('GET', `/v2/sessions/${id}`)).body;
    const [first, second] = pods as [TestServer, TestServer];
    return pod === 'pod-0' ? { id, owner: first, other: second } : { id, owner: second, other: first };
  };

  const events = () => receiver.told.map(({ body }) => JSON.parse(body) as Event);

  it('is told once, whichever pod was asked to end the session', async () => {
    const { id, other } = await open();
    await other.request('DELETE', `/v2/sessions/${id}`);
    await eventually(() => receiver.told.length > 0);
    await Promise.all(pods.map((pod) => pod.close()));
    expect(events().map(({ session }) => session)).to.have.lengthOf(1);
    expect(events()[0]!.session).to.include({ id, endReason: 'deleted' });
  });

  it('is told by the pod that ends a session whose own pod is gone', async () => {
    const { id, owner, other } = await open();
    await owner.close();
    const ended = async () => (await other.request('DELETE', `/v2/sessions/${id}`)).status === 204;
    await eventually(ended, 20_000);
    await eventually(() => receiver.told.length > 0);
    expect(events()[0]!.session).to.include({ id, endReason: 'deleted' });
  });

  it('is told by another pod what one had not told when it closed', async () => {
    const { id, owner, other } = await open();
    receiver.answers.push(...Array.from({ length: 100 }, () => 503));
    await owner.request('DELETE', `/v2/sessions/${id}`);
    await eventually(() => receiver.told.length >= 1);
    await owner.close();
    const { length } = receiver.told;
    // From now on it takes what it is told.
    receiver.answers.length = length;
    await eventually(() => other.log.lines.some(({ message }) => message === 'the end of a session was told'), 30_000);
    expect(owner.log.lines.map(({ message }) => message)).to.include('other pods are to tell the end of sessions');
    expect(receiver.told).to.have.lengthOf.above(length);
    for (const { session } of events()) expect(session.id).to.equal(id);
  }).timeout(60_000);
});
