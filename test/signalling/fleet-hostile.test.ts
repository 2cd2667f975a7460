import { expect } from 'chai';
import { Redis } from 'ioredis';
import type { Environment } from '../../server/config.ts';
import { StaleEpoch } from '../../signalling/errors.ts';
import { SessionTokens } from '../../signalling/tokens.ts';
import { Callers } from '../support/callers.ts';
import { eventually } from '../support/eventually.ts';
import { RTP_CAPABILITIES } from '../support/fake-calls.ts';
import { RedisServer } from '../support/redis-server.ts';
import { rejection } from '../support/redis-session-stores.ts';
import { startTestServer } from '../support/running-server.ts';
import type { TestServer } from '../support/running-server.ts';
import { JOIN } from '../support/socket-client.ts';
import { ScriptedPod } from '../support/scripted-pod.ts';

const TOKEN_SECRET = 'a secret of more than thirty-two characters';
const tokens = new SessionTokens({ secret: TOKEN_SECRET, nowMs: Date.now });

/** Pods on a real Redis, beside others that die at the wrong moment, and a Redis that takes nothing any more. */
describe('a fleet under stress', () => {
  let redis: RedisServer;
  let pods: TestServer[] = [];
  let others: ScriptedPod[] = [];
  let callers: Callers[] = [];

  before(async () => {
    redis = await RedisServer.start();
  });

  after(async () => redis.stop());

  afterEach(async () => {
    for (const caller of callers) caller.close();
    await Promise.all(pods.map((pod) => pod.close()));
    await Promise.all(others.map((other) => other.die()));
    [pods, others, callers] = [[], [], []];
    await inRedis((asked) => asked.flushall());
  });

  const start = async (count: number, environment: Environment = {}): Promise<TestServer[]> => {
    for (let i = pods.length; i < count; i += 1) {
      const names = { REDIS_URL: redis.url, TOKEN_SECRET, POD_ID: `pod-${i}`, WORKER_POOL_SIZE: '1' };
      pods.push(await startTestServer({ ...names, ...environment }));
    }
    callers.push(...pods.slice(callers.length).map((pod) => new Callers(pod)));
    await eventually(async () => {
      const texts = await Promise.all(pods.map(async (pod) => (await pod.request('GET', '/metrics')).text));
      return texts.every((text) => text.includes(`parley_pods ${count}`));
    });
    return pods;
  };

  const stranger = async (name = 'stranger'): Promise<ScriptedPod> => {
    const pod = await ScriptedPod.start(name, redis.url);
    others.push(pod);
    return pod;
  };

  const metric = async (pod: TestServer, name: string): Promise<number> => {
    const { text } = await pod.request('GET', '/metrics');
    return Number(new RegExp(`^parley_${name} (.+)$`, 'm').exec(text)?.[1]);
  };

  const tokenFor = async (id: string): Promise<string> => (await tokens.issue(id)).token;

  const inRedis = async <Value>(ask: (client: Redis) => Promise<Value>): Promise<Value> => {
    const client = new Redis(redis.port, redis.host, { maxRetriesPerRequest: 1 });
    try {
      return await ask(client);
    } finally {
      client.disconnect();
    }
  };

  it('goes on with a call that stood by when the pod that handed it over has died, and when its time to stand by is over', async () => {
    const [pod] = await start(1);
    const dying = await stranger();
    const record = await dying.session({ state: 'live' });
    const restored = { transcript: [] };
    const request = { rtpCapabilities: RTP_CAPABILITIES, playback: 'running', microphone: true };
    await dying.bus.request('pod-0', 'handover.prepare', { record, request, restored }, { timeoutMs: 2_000 });
    await dying.die();
    const client = await callers[0]!.connect(await tokenFor(record.id));
    await client.join();
    const late = await stranger('late');
    late.bus.tell('pod-0', 'handover.cancel', { id: record.id });
    await late.bus.request('pod-0', 'session.lead', { id: record.id, look: false }, { timeoutMs: 2_000 });
    expect(await metric(pod!, 'places_occupied')).to.equal(1);
    expect(pod!.calls.asked).not.to.include(`end ${record.id}`);
    expect(client.socket.connected).to.equal(true);
  });

  it('keeps the place of a call that another pod would have it claim once more', async () => {
    const [pod] = await start(1);
    const { id } = await callers[0]!.conversation();
    const mistaken = await stranger();
    const claim = { id, fromEpoch: 1, cause: 'owner_gone' };
    await mistaken.bus.request('pod-0', 'session.claim', claim, { timeoutMs: 2_000 }).catch(() => undefined);
    expect(await metric(pod!, 'places_occupied')).to.equal(1);
  });

  it('ends and changes a session whose owner has died', async () => {
    const [pod] = await start(1);
    const dead = await stranger();
    const records = await Promise.all(Array.from({ length: 12 }, () => dead.session({ state: 'live' })));
    await dead.die();
    // Until then nobody can be called gone for certain.
    await new Promise((resolve) => setTimeout(resolve, 3_100));
    for (const { id } of records.slice(0, 6)) {
      expect((await pod!.request('PATCH', `/v2/sessions/${id}`, { metadata: { order: 2 } })).status).to.equal(200);
    }
    for (const { id } of records.slice(6)) {
      expect((await pod!.request('DELETE', `/v2/sessions/${id}`)).status).to.equal(204);
    }
  });

  it('goes on with calls and ends them while Redis has no memory left, and writes them when it has', async () => {
    const [pod] = await start(1);
    const { id, caller } = await callers[0]!.conversation();
    const second = await callers[0]!.conversation();
    await inRedis((asked) => asked.config('SET', 'maxmemory', '1'));
    try {
      const line = { turnId: 't1', role: 'user', text: 'a word that is secret', final: true, startMs: 0, endMs: 1 };
      pod!.calls.tell(id, { name: 'transcript', data: line } as never);
      pod!.calls.tellContinuation(id, { version: 1, unheard: 'a word that is secret' });
      expect((await pod!.request('DELETE', `/v2/sessions/${second.id}`)).status).to.equal(204);
      await eventually(() => pod!.calls.asked.includes(`end ${second.id}`));
      expect((await pod!.request('GET', '/health')).body.status).to.equal('degraded');
      expect((await pod!.request('POST', '/v2/sessions', {})).body).to.include({ unsaved: true });
      caller.close();
      await eventually(() => pod!.calls.asked.includes(`gone ${id}`));
      const again = await callers[0]!.connect(await tokenFor(id));
      await again.join();
    } finally {
      await inRedis((asked) => asked.config('SET', 'maxmemory', '0'));
    }
    await eventually(async () => (await inRedis((asked) => asked.llen(`session:{${id}}:turns`))) === 1);
    await eventually(async () => (await inRedis((asked) => asked.hget(`session:{${second.id}}`, 'state'))) === 'ended');
    expect(await metric(pod!, 'sessions_unsaved')).to.equal(0);
  });

  it('brings a client to its place though the word that it has one was lost', async () => {
    const [pod] = await start(1, { MAX_SESSIONS_PER_WORKER: '1' });
    await pod!.open();
    const { id, token } = await pod!.open();
    const client = await callers[0]!.connect(token);
    expect(await client.join()).to.include({ queued: 1 });
    const other = await stranger('pod-9');
    await other.store.leaveQueue(id);
    const record = await other.store.get(id);
    other.bus.handle('session.lead', async () => ({ leads: true, epoch: 1, media: 'none' }));
    const asked = new Promise<void>((resolve) => {
      other.bus.handle('relay.join', async () => {
        resolve();
        throw Object.assign(new Error('no'), { code: 'session_not_found' });
      });
    });
    const claim = { claimId: 'one', podId: 'pod-9', fromEpoch: record!.epoch };
    const claimed = await other.store.claim(id, claim);
    if (claimed.outcome !== 'claimed') throw new Error('not claimed');
    await other.store.update(id, claimed.session.record.epoch, (before) => ({ ...before, state: 'ready' }));
    await asked;
  });

  it('lets a client wait on though Redis has lost its session, and gives it the next place', async function () {
    this.timeout(60_000);
    const [pod] = await start(1, { MAX_SESSIONS_PER_WORKER: '1' });
    const first = await pod!.open();
    const { id, token } = await pod!.open();
    const client = await callers[0]!.connect(token);
    expect(await client.join()).to.include({ queued: 1 });
    await inRedis((asked) => asked.flushall());
    // Another pod might have given it a place, and not have written that back yet.
    const queued = async () => (await inRedis((asked) => asked.lrange('voice_sessions', 0, -1))).includes(id);
    await eventually(queued, 40_000);
    expect((await pod!.request('GET', `/v2/sessions/${id}`)).body).to.include({ state: 'queued' });
    await pod!.request('DELETE', `/v2/sessions/${first.id}`);
    expect(await client.event('move')).to.include({ reason: 'placed' });
  });

  it('leads under a higher epoch for a client that has heard a later owner, of which nothing is left', async () => {
    const [pod] = await start(1);
    const { id, token } = await pod!.open();
    const earlier = Number(await inRedis((asked) => asked.hget(`session:{${id}}`, 'epoch')));
    const client = await callers[0]!.connect(token);
    const { epoch } = await client.join({ lastSeen: { epoch: earlier + 1, seq: 7 } });
    expect(epoch).to.be.above(earlier + 1);
    expect(Number(await inRedis((asked) => asked.hget(`session:{${id}}`, 'epoch')))).to.equal(epoch);
    pod!.calls.tell(id, { name: 'queued', data: { position: 1 } });
    expect(await client.event('queued')).to.include({ epoch, seq: 1 });
  });

  it('opens a session elsewhere where the pod that is to have it does not answer', async () => {
    const [pod] = await start(1);
    const mute = await stranger('pod-9');
    let asked = 0;
    mute.bus.handle('session.open', () => {
      asked += 1;
      return new Promise(() => undefined);
    });
    await mute.announce();
    await eventually(async () => (await metric(pod!, 'pods')) === 2);
    // The other one looks idle, and this one has a call more with each session.
    const opened = await Promise.all(Array.from({ length: 4 }, () => pod!.request('POST', '/v2/sessions', {})));
    for (const { status, body } of opened)
      expect({ status, pod: body.pod }).to.deep.equal({ status: 201, pod: 'pod-0' });
    expect(asked).to.be.at.least(1);
  });

  it('leaves nothing of sessions for which the queue had no place', async () => {
    const [pod] = await start(1, { MAX_SESSIONS_PER_WORKER: '1', MAX_QUEUED_SESSIONS: '1' });
    await inRedis((asked) => asked.flushall());
    await pod!.open();
    await pod!.open();
    const refused = await Promise.all(Array.from({ length: 20 }, () => pod!.request('POST', '/v2/sessions', {})));
    expect(refused.map(({ status }) => status)).to.deep.equal(Array(20).fill(503));
    expect((await pod!.request('GET', '/v2/sessions')).body.sessions).to.have.lengthOf(2);
  });

  it('takes what makes no sense on the bus and in Redis without harm', async () => {
    const [pod] = await start(1);
    const conversation = await callers[0]!.conversation();
    const odd = await stranger('pod-7');
    const payloads = [undefined, null, 1, 'x', [], {}, { id: 1 }, { clientId: {}, sessionId: [] }];
    const names = [
      'session.amend',
      'session.end',
      'session.get',
      'session.transcript',
      'session.lead',
      'relay.join',
      'relay.request',
      'relay.ping',
      'relay.gone',
      'handover.prepare',
      'handover.request',
      'handover.ready',
      'handover.commit',
    ];
    for (const name of names)
      for (const payload of payloads) {
        await odd.bus.request('pod-0', name, payload, { timeoutMs: 1_000 }).catch(() => undefined);
      }
    const topics = [
      'relay.event',
      'relay.close',
      'relay.rehome',
      'handover.cancel',
      'session.placed',
      'queue.changed',
      'session.ended',
      'pod.announced',
      'pod.closed',
    ];
    for (const topic of topics)
      for (const payload of payloads) {
        odd.bus.tell('pod-0', topic, payload);
        odd.bus.publish(topic, payload);
      }
    await inRedis(async (asked) => {
      await asked.hset('session:{broken}', {
        epoch: '1',
        owner: 'x',
        version: '1',
        state: 'live',
        updatedAt: '1',
        expiresAt: '1',
        details: '{no json',
      });
      await asked.zadd('sessions:active', 1, 'broken');
    });
    expect((await pod!.request('GET', '/v2/sessions')).status).to.equal(200);
    await eventually(async () => (await inRedis((asked) => asked.zscore('sessions:active', 'broken'))) === null);
    expect(conversation.caller.socket.connected).to.equal(true);
    expect((await pod!.request('POST', '/v2/sessions', {})).status).to.equal(201);
  });

  it('passes on to a client what the owner of its session says, and nothing that another pod says', async () => {
    await start(2);
    const { id, token } = await pods[0]!.open();
    const { body } = await pods[0]!.request('GET', `/v2/sessions/${id}`);
    const owner = Number(body.pod.at(-1));
    const relaying = `pod-${1 - owner}`;
    const client = await callers[1 - owner]!.connect(token);
    const { epoch } = await client.join();
    const mistaken = await stranger();
    const clientId = client.socket.id;
    for (let seq = 1; seq <= 20; seq += 1) {
      const event = { epoch, seq, name: 'speech', data: { speaking: true, turnId: 'false', atMs: 1 } };
      mistaken.bus.tell(relaying, 'relay.event', { clientId, event });
    }
    mistaken.bus.tell(relaying, 'relay.rehome', { clientId, podId: 'stranger', position: { epoch, seq: 99 } });
    mistaken.bus.tell(relaying, 'relay.close', { clientId, how: 'end' });
    await mistaken.bus.request(relaying, 'session.lead', { id, look: false }, { timeoutMs: 2_000 }).catch(() => {});
    pods[owner]!.calls.tell(id, { name: 'speech', data: { speaking: true, turnId: 'true', atMs: 1 } });
    await client.event('speech');
    expect(client.named('speech').map(({ turnId }) => turnId)).to.deep.equal(['true']);
    expect(client.socket.connected).to.equal(true);
  });

  it('moves what is left when a pod is drained once more, after another one has come', async () => {
    const [first] = await start(1, { DRAIN_TIMEOUT_MS: '200' });
    const { id, caller } = await callers[0]!.conversation();
    await first!.request('POST', '/v2/drain');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await start(2);
    await pods[0]!.close();
    const { body } = await pods[1]!.request('GET', `/v2/sessions/${id}`);
    expect(body).to.include({ pod: 'pod-1', state: 'ready' });
    expect(caller.named('ended')).to.deep.equal([]);
  });

  it('ends no call because somebody takes a drain back when the process is about to end', async () => {
    const [pod] = await start(1, { DRAIN_TIMEOUT_MS: '2500' });
    const { caller } = await callers[0]!.conversation();
    const closed = pod!.close();
    const answer = await pod!.request('DELETE', '/v2/drain');
    expect(answer.status).to.equal(409);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(caller.socket.connected).to.equal(true);
    await closed;
    expect(await caller.event('ended')).to.include({ reason: 'shutdown' });
  });

  it('leaves a client alone that has joined anew, and tells one that was superseded though word of that was lost', async () => {
    const [pod] = await start(1);
    const { id, token } = await pod!.open();
    const relay = await stranger('relay');
    const closed: unknown[] = [];
    relay.bus.subscribe('relay.close', (payload) => closed.push(payload));
    const ask = (name: string, extra: object) =>
      relay.bus.request('pod-0', name, { sessionId: id, clientId: 'c1', ...extra }, { timeoutMs: 2_000 });
    await ask('relay.join', { request: JOIN });
    await ask('relay.join', { request: JOIN });
    await ask('relay.ping', { after: { epoch: 0, seq: 0 } });
    expect(closed).to.deep.equal([]);
    await (await callers[0]!.connect(token)).join();
    await eventually(() => closed.length === 1);
    const refused = await rejection(ask('relay.ping', { after: { epoch: 0, seq: 0 } }));
    expect(refused).to.have.property('code', 'superseded');
  });

  it('tells the next owner that a client went while its session was handed over', async () => {
    const [pod] = await start(1, { DRAIN_TIMEOUT_MS: '10000' });
    const { id, caller } = await callers[0]!.conversation();
    const next = await stranger('next');
    const transport = (name: string) => ({ id: name, iceParameters: {}, iceCandidates: [], dtlsParameters: {} });
    next.bus.handle('handover.prepare', async () => ({ media: { send: transport('s'), receive: transport('r') } }));
    next.bus.handle('handover.ready', async () => ({}));
    next.bus.handle('handover.commit', async () => {
      caller.close();
      await eventually(async () => (await pod!.connections()) === 0);
      return { position: { epoch: Date.now(), seq: 0 } };
    });
    const gone = new Promise((resolve) => {
      next.bus.handle('relay.gone', async (payload) => {
        resolve(payload);
        return {};
      });
    });
    next.bus.handle('relay.ping', async () => ({ events: [], gap: false, more: false }));
    await eventually(async () => {
      await next.announce();
      return (await metric(pod!, 'pods')) === 2;
    });
    await pod!.request('POST', '/v2/drain');
    expect(await gone).to.include({ sessionId: id });
  });

  it('ends a session whose owner loses it just then', async () => {
    const [pod] = await start(1);
    const losing = await stranger('losing');
    const { id, epoch } = await losing.session({ state: 'live' });
    losing.bus.handle('session.end', async () => {
      throw new StaleEpoch(id, epoch, epoch + 1);
    });
    losing.bus.handle('session.lead', async () => ({ leads: false, epoch: 0, media: 'none' }));
    expect((await pod!.request('DELETE', `/v2/sessions/${id}`)).status).to.equal(204);
    expect((await pod!.request('GET', `/v2/sessions/${id}`)).body).to.include({ state: 'ended' });
  });
});
