import { expect } from 'chai';
import { Redis } from 'ioredis';
import type { Environment } from '../../server/config.ts';
import { becomes } from '../support/becomes.ts';
import { Callers } from '../support/callers.ts';
import { RedisServer } from '../support/redis-server.ts';
import { startTestServer } from '../support/running-server.ts';
import type { TestServer } from '../support/running-server.ts';
import { rejection } from '../support/rejection.ts';
import { ScriptedPod } from '../support/scripted-pod.ts';

const TOKEN_SECRET = 'a secret of more than thirty-two characters';

/** Several pods in this process, on a real Redis, each with a media side that has no media. */
describe('a fleet', () => {
  let redis: RedisServer;
  let pods: TestServer[] = [];
  let callers: Callers[] = [];

  before(async () => {
    redis = await RedisServer.start();
  });

  after(async () => redis.stop());

  afterEach(async () => {
    for (const caller of callers) caller.close();
    await Promise.all(pods.map((pod) => pod.close()));
    [pods, callers] = [[], []];
  });

  const inRedis = async <Value>(ask: (client: Redis) => Promise<Value>): Promise<Value> => {
    const client = new Redis(redis.port, redis.host, { maxRetriesPerRequest: 1 });
    try {
      return await ask(client);
    } finally {
      client.disconnect();
    }
  };

  const start = async (count: number, environment: Environment = {}): Promise<TestServer[]> => {
    pods = [];
    for (let i = 0; i < count; i += 1) {
      const names = { REDIS_URL: redis.url, TOKEN_SECRET, POD_ID: `pod-${i}` };
      pods.push(await startTestServer({ ...names, WORKER_POOL_SIZE: '1', ...environment }));
    }
    callers = pods.map((pod) => new Callers(pod));
    // Each has heard of all others.
    await becomes(async () => {
      for (const pod of pods) expect((await pod.request('GET', '/metrics')).text).to.include(`parley_pods ${count}`);
    });
    return pods;
  };

  const podOf = async (id: string): Promise<{ owner: TestServer; others: TestServer[] }> => {
    const { pod } = (await pods[0]!.request('GET', `/v2/sessions/${id}`)).body;
    const index = Number(pod.replace('pod-', ''));
    return { owner: pods[index]!, others: pods.filter((_, other) => other !== index) };
  };

  const callersOf = (pod: TestServer): Callers => callers[pods.indexOf(pod)]!;

  it('shows every session on every pod, and changes and ends it from any', async () => {
    const [a] = await start(2);
    const { id } = await a!.open({ metadata: { order: 1 } });
    const { owner, others } = await podOf(id);
    const [other] = others;
    for (const pod of pods) {
      expect((await pod.request('GET', `/v2/sessions/${id}`)).body).to.include({ id, state: 'ready' });
      expect((await pod.request('GET', '/v2/sessions')).body.sessions.map((session) => session.id)).to.include(id);
    }
    const changed = await other!.request('PATCH', `/v2/sessions/${id}`, { metadata: { order: 2 } });
    expect(changed.body.metadata).to.deep.equal({ order: 2 });
    expect((await owner.request('GET', `/v2/sessions/${id}`)).body.metadata).to.deep.equal({ order: 2 });
    expect((await other!.request('DELETE', `/v2/sessions/${id}`)).status).to.equal(204);
    expect((await owner.request('GET', `/v2/sessions/${id}`)).body).to.include({
      state: 'ended',
      endReason: 'deleted',
    });
  });

  it('spreads sessions over the pods', async () => {
    await start(3, { MAX_SESSIONS_PER_WORKER: '12' });
    const opened = await Promise.all(Array.from({ length: 30 }, () => pods[0]!.request('POST', '/v2/sessions', {})));
    const counts = new Map<string, number>();
    for (const { body } of opened) counts.set(body.pod, (counts.get(body.pod) ?? 0) + 1);
    expect(counts.size).to.equal(3);
    expect(Math.max(...counts.values())).to.be.at.most(12);
  });

  it('serves a client on a pod that does not lead its session, as if it did', async () => {
    await start(2);
    const { id, token } = await pods[0]!.open();
    const { owner, others } = await podOf(id);
    const client = await callersOf(others[0]!).connect(token);
    const joined = await client.join();
    expect(joined.media?.send.id).to.match(/^send-/);
    expect(owner.calls.asked).to.include(`join ${id}`);
    const { media } = joined;
    await client.succeed('connect-transport', {
      transportId: media!.send.id,
      dtlsParameters: media!.send.dtlsParameters,
    });
    expect(await client.succeed('say', { text: 'hello' })).to.have.property('turnId', 'turn-1');
    for (let i = 0; i < 20; i += 1) {
      owner.calls.tell(id, { name: 'speech', data: { speaking: i % 2 === 0, turnId: `t${i}`, atMs: i } });
    }
    await becomes(() => expect(client.named('speech')).to.have.lengthOf(20));
    expect(client.named('speech').map(({ turnId }) => turnId)).to.deep.equal(
      Array.from({ length: 20 }, (_, i) => `t${i}`),
    );
    expect(await client.refusal('restart-ice', { transportId: 'unknown' })).to.equal('unknown_transport');
    client.close();
    await becomes(() => expect(owner.calls.asked).to.include(`gone ${id}`));
  });

  it('lets a later client on another pod take the session over from the first', async () => {
    await start(2);
    const { id, token } = await pods[0]!.open();
    const { owner, others } = await podOf(id);
    const first = await callersOf(others[0]!).connect(token);
    await first.join();
    const second = await callersOf(owner).connect(token);
    await second.join();
    expect(await first.event('problem')).to.have.property('code', 'superseded');
    await first.disconnected();
    owner.calls.tell(id, { name: 'speech', data: { speaking: true, turnId: 't9', atMs: 1 } });
    expect(await second.event('speech')).to.have.property('turnId', 't9');
  });

  it('leads a session whose media its owner has lost, whatever that one says of the client when it hears of it', async () => {
    await start(2);
    const { id, token } = await pods[0]!.open();
    const { owner, others } = await podOf(id);
    const client = await callersOf(others[0]!).connect(token);
    await client.join();
    owner.calls.mediaStates.set(id, 'lost');
    await client.succeed('report', { noPacketsForMs: 600 });
    await client.event('move');
    const line = { turnId: 't1', role: 'agent', text: 'Too late.', final: true, startMs: 1, endMs: 2 } as const;
    owner.calls.tell(id, { name: 'transcript', data: line });
    await becomes(() => expect(owner.calls.asked).to.include(`end ${id}`));
    // Told after what the former owner had told the pod of its client.
    others[0]!.calls.tell(id, { name: 'speech', data: { speaking: true, turnId: 't2', atMs: 3 } });
    expect(await client.event('speech')).to.have.property('turnId', 't2');
    expect(await client.succeed('say', { text: 'hello' })).to.have.property('turnId', 'turn-1');
    expect(client.named('move')).to.have.lengthOf(1);
    expect(others[0]!.calls.asked.filter((asked) => asked.startsWith('join'))).to.have.lengthOf(1);
  });

  it('queues what has no place anywhere, says where it stands, and brings it to the first place', async () => {
    await start(2, { MAX_SESSIONS_PER_WORKER: '1', MAX_QUEUED_SESSIONS: '2' });
    const [first, second] = [await pods[0]!.open(), await pods[1]!.open()];
    const [third, fourth] = [await pods[0]!.open(), await pods[1]!.open()];
    expect((await pods[0]!.request('GET', `/v2/sessions/${third.id}`)).body).to.include({ state: 'queued', pod: '' });
    const full = await pods[0]!.request('POST', '/v2/sessions', {});
    expect(full.status).to.equal(503);
    expect(full.headers.get('retry-after')).to.match(/^\d+$/);
    const [early, late] = [await callers[1]!.connect(third.token), await callers[0]!.connect(fourth.token)];
    expect(await early.join()).to.include({ queued: 1, kept: false });
    expect(await late.join()).to.include({ queued: 2, kept: false });
    await pods[0]!.request('DELETE', `/v2/sessions/${first.id}`);
    expect(await early.event('move')).to.include({ reason: 'placed' });
    expect(await late.event('queued')).to.include({ position: 1 });
    expect((await pods[0]!.request('GET', `/v2/sessions/${third.id}`)).body).to.include({ state: 'ready' });
    await late.succeed('leave');
    await becomes(async () =>
      expect((await pods[0]!.request('GET', `/v2/sessions/${fourth.id}`)).body).to.include({ state: 'ended' }),
    );
    await pods[0]!.request('DELETE', `/v2/sessions/${second.id}`);
  });

  it('tells a client that waits that its session was ended, wherever that was asked for', async () => {
    await start(2, { MAX_SESSIONS_PER_WORKER: '1' });
    await Promise.all([pods[0]!.open(), pods[1]!.open()]);
    const { id, token } = await pods[0]!.open();
    const client = await callers[1]!.connect(token);
    expect(await client.join()).to.include({ queued: 1 });
    const idle = await callers[0]!.connect(token);
    expect((await pods[0]!.request('DELETE', `/v2/sessions/${id}`)).status).to.equal(204);
    expect(await client.event('ended')).to.include({ reason: 'deleted' });
    await client.disconnected();
    await idle.disconnected();
  });

  it('hands every session over when a pod is drained, and goes on with the client where it is', async () => {
    await start(2);
    const { id, token } = await pods[0]!.open();
    const { owner, others } = await podOf(id);
    const [target] = others;
    const client = await callersOf(owner).connect(token);
    const joined = await client.join();
    owner.calls.handedOver.set(id, { version: 1, unheard: 'and so on' });
    expect((await owner.request('POST', '/v2/drain')).status).to.equal(202);
    const move = await client.event('move');
    expect(move).to.include({ reason: 'drain', epoch: joined.epoch });
    await becomes(() => expect(target!.calls.leads(id)).to.equal(true));
    expect(target!.calls.restored.get(id)?.continuation).to.include({ unheard: 'and so on' });
    expect(owner.calls.leads(id)).to.equal(false);
    target!.calls.tell(id, { name: 'speech', data: { speaking: true, turnId: 'after', atMs: 1 } });
    const after = await client.event('speech');
    expect(after.epoch).to.be.greaterThan(joined.epoch);
    const view = (await owner.request('GET', `/v2/sessions/${id}`)).body;
    expect(view.pod).to.equal((await target!.request('GET', `/v2/sessions/${id}`)).body.pod);
    expect((await owner.request('GET', '/health')).body.status).to.equal('draining');
    expect((await owner.request('GET', '/health/ready')).status).to.equal(503);
    expect((await owner.request('DELETE', '/v2/drain')).status).to.equal(200);
    expect((await owner.request('GET', '/health/ready')).status).to.equal(200);
  });

  it('tells the pod that goes on what became of a tool that still ran as a session was handed over', async () => {
    await start(2);
    const { id, token } = await pods[0]!.open();
    const { owner, others } = await podOf(id);
    const [target] = others;
    const client = await callersOf(owner).connect(token);
    await client.join();
    await owner.request('POST', '/v2/drain');
    await becomes(() => expect(owner.calls.asked.some((asked) => asked.startsWith(`hand-over ${id}`))).to.equal(true));
    // It may end before the other pod leads, or after.
    owner.calls.tellContinuation(id, { version: 1, tools: ['ended'] });
    await becomes(() => expect(target!.calls.restored.get(id)?.continuation).to.deep.include({ tools: ['ended'] }));
    expect(target!.calls.leads(id)).to.equal(true);
    const late = { id, epoch: 1, continuation: { version: 1, tools: ['of a former epoch'] } };
    const other = await ScriptedPod.start('stranger', redis.url);
    const refused = await rejection(
      other.bus.request(`pod-${pods.indexOf(target!)}`, 'handover.late', late, { timeoutMs: 2_000 }),
    );
    await other.die();
    expect(refused).to.include({ code: 'session_not_found' });
    expect(target!.calls.restored.get(id)?.continuation).to.deep.include({ tools: ['ended'] });
  });

  it('goes on from memory while Redis is away, says so, and writes everything back when it returns empty', async () => {
    const [a] = await start(1);
    const { id, token } = await a!.open();
    const client = await callers[0]!.connect(token);
    await client.join();
    await redis.kill();
    await becomes(async () => expect((await a!.request('GET', '/health')).body.status).to.equal('degraded'));
    expect((await a!.request('GET', '/health/ready')).status).to.equal(200);
    a!.calls.tell(id, {
      name: 'transcript',
      data: { turnId: 't1', role: 'user', text: 'while away', final: true, startMs: 0, endMs: 1 },
    });
    const created = await a!.request('POST', '/v2/sessions', {});
    expect(created.status).to.equal(201);
    expect(created.body).to.have.property('unsaved', true);
    await redis.restart({ empty: true });
    await becomes(async () => expect((await a!.request('GET', '/health')).body.status).to.equal('healthy'), 15_000);
    await becomes(async () => expect(await inRedis((asked) => asked.exists(`session:{${id}}`))).to.equal(1), 15_000);
    await becomes(async () => {
      const view = (await a!.request('GET', `/v2/sessions/${created.body.id}`)).body;
      expect(view).not.to.have.property('unsaved');
    });
    expect(await inRedis((asked) => asked.llen(`session:{${id}}:turns`))).to.equal(1);
  });

  it('keeps clients of other pods while Redis is away for as long as their media arrives', async () => {
    await start(2);
    const relayed = async () => {
      const { id, token } = await pods[0]!.open();
      const { owner, others } = await podOf(id);
      const client = await callersOf(others[0]!).connect(token);
      await client.join();
      return { id, owner };
    };
    const [talking, silent] = [await relayed(), await relayed()];
    silent.owner.calls.mediaStates.set(silent.id, 'lost');
    await redis.kill();
    await becomes(() => expect(silent.owner.calls.asked).to.include(`gone ${silent.id}`), 15_000);
    expect(talking.owner.calls.asked).to.not.include(`gone ${talking.id}`);
    await redis.restart({ empty: true });
    await becomes(async () => {
      for (const pod of pods) expect((await pod.request('GET', '/health')).body.status).to.equal('healthy');
    }, 15_000);
  });
});
