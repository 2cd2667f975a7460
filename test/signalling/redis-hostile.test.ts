import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { eventually } from '../support/eventually.ts';
import { RedisServer } from '../support/redis-server.ts';
import { startTestServer } from '../support/running-server.ts';
import type { TestServer } from '../support/running-server.ts';

const FIELDS = { epoch: '1', owner: 'gone', version: '1', state: 'live', updatedAt: '1', expiresAt: '1' };
const detailsOf = (id: string, more: object = {}): string =>
  JSON.stringify({ id, agent: 'parrot', createdAt: 5, ...more });
const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
const said = (text: string, turnId = 'T1'): string =>
  JSON.stringify({ turnId, role: 'user', text, final: true, startMs: 0, endMs: 1 });

/** As Socket.IO's pods ask each other what sockets they have. */
const FETCH_SOCKETS = 7;
const ALL_SOCKETS = { rooms: [], except: [], flags: {} };

/** Whoever shares the Redis may write anything under any name. */
describe('a Redis in which somebody else has written', function () {
  this.timeout(120_000);
  let server: RedisServer;
  let redis: Redis;
  let pod: TestServer;

  before(async () => {
    server = await RedisServer.start();
    redis = new Redis(server.port, server.host);
  });

  after(async () => {
    redis.disconnect();
    await server.stop();
  });

  beforeEach(async () => {
    await redis.flushall();
    const names = { REDIS_URL: server.url, TOKEN_SECRET: 'x'.repeat(40), POD_ID: 'pod-0', WORKER_POOL_SIZE: '1' };
    pod = await startTestServer({ ...names, WORKER_HEARTBEAT_INTERVAL: '1' });
  });

  afterEach(async () => pod.close());

  const read = (path: string) => pod.request('GET', `/v2/sessions${path}`);
  const key = (id: string) => `session:{${id}}`;
  const errors = () => pod.log.lines.filter(({ level }) => level === 'error').map(({ message }) => message);

  /** As the index names a session whose time is over. */
  const index = async (id: string) => {
    await redis.zadd('sessions:active', 5, id);
    await redis.zadd('{sessions:active}:due', 1, id);
    await redis.zadd('{sessions:active}:live', 5, id);
  };

  /** A session of a pod that is gone, whose time is over at `expiresAt`. */
  const abandoned = async (expiresAt = Date.now() + 60_000): Promise<string> => {
    const id = randomUUID();
    const owned = { ...FIELDS, owner: 'gone', expiresAt: `${expiresAt}` };
    await redis.hset(key(id), { ...owned, details: detailsOf(id) });
    await index(id);
    return id;
  };

  it('shows and ends all sessions beside one that is none', async () => {
    const deep = (id: string) => detailsOf(id).replace('}', `,"metadata":{"a":${nested(20_000)}}}`);
    const strange: [string, (id: string) => Promise<unknown>][] = [
      ['a text', (id) => redis.set(key(id), 'x')],
      ['a list', (id) => redis.rpush(key(id), 'x')],
      ['of no state', (id) => redis.hset(key(id), { ...FIELDS, state: 'x', details: detailsOf(id) })],
      ['of no epoch', (id) => redis.hset(key(id), { ...FIELDS, epoch: 'x', details: detailsOf(id) })],
      ['without an end', (id) => redis.hset(key(id), { ...FIELDS, expiresAt: 'x', details: detailsOf(id) })],
      ['of another id', (id) => redis.hset(key(id), { ...FIELDS, details: detailsOf('../../etc') })],
      ['a list of details', (id) => redis.hset(key(id), { ...FIELDS, details: '[]' })],
      ['of no agent', (id) => redis.hset(key(id), { ...FIELDS, details: detailsOf(id, { agent: 7 }) })],
      [
        'of odd variables',
        (id) => redis.hset(key(id), { ...FIELDS, details: detailsOf(id, { variables: { a: {} } }) }),
      ],
      ['nested without end', (id) => redis.hset(key(id), { ...FIELDS, details: deep(id) })],
    ];
    const ids = strange.map(() => randomUUID());
    for (const [place, [, write]] of strange.entries()) await write(ids[place]!);
    for (const id of [...ids, 'no-uuid']) await index(id);
    await redis.hset(key('no-uuid'), { ...FIELDS, expiresAt: '9999999999999', details: detailsOf('no-uuid') });
    const own = await pod.open();
    const { status, body } = await read('');
    expect(status).to.equal(200);
    expect(body.sessions.map(({ id }) => id)).to.deep.equal([own.id]);
    for (const [place, [what]] of strange.entries()) {
      const id = ids[place]!;
      // One that has just started cannot know yet that no other pod has it.
      await eventually(async () => (await read(`/${id}`)).status !== 503, 20_000);
      expect((await read(`/${id}`)).status, what).to.equal(404);
      expect((await read(`/${id}/transcript`)).status, what).to.equal(404);
      expect((await pod.request('DELETE', `/v2/sessions/${id}`)).status, what).to.equal(404);
    }
    await eventually(async () => (await redis.zcard('sessions:active')) <= 2, 20_000);
    expect(errors()).to.deep.equal([]);
  });

  it('goes on with a session some of whose lines nobody of us has written', async () => {
    const id = await abandoned();
    await redis.rpush(`${key(id)}:turns`, '{oops', 'null', '7', said('hello'), nested(5_000), said('x'.repeat(9), ''));
    await redis.hset(key(id), 'continuation', '{oops');
    expect((await read(`/${id}/transcript`)).body.entries.map(({ text }) => text)).to.deep.equal(['hello']);
    // Its owner is known to be gone only some seconds after this pod has started.
    const patch = () => pod.request('PATCH', `/v2/sessions/${id}`, { metadata: { a: 1 } });
    await eventually(async () => (await patch()).status === 200, 20_000);
    expect((await read(`/${id}`)).body).to.deep.include({ pod: 'pod-0', metadata: { a: 1 } });
    expect((await pod.request('DELETE', `/v2/sessions/${id}`)).status).to.equal(204);
    expect(errors()).to.deep.equal([]);
  });

  it('writes what it leads anew where it was written over, piece by piece', async () => {
    const { id } = await pod.open();
    const change = async (a: number) => {
      expect((await pod.request('PATCH', `/v2/sessions/${id}`, { metadata: { a } })).status).to.equal(200);
    };
    const overwrite: (() => Promise<unknown>)[] = [
      () => redis.set(key(id), 'x'),
      () => redis.hset(key(id), { epoch: 'x', version: 'x', sequence: 'x', expiresAt: 'x' }),
      () => redis.hset(key(id), { version: 'x', sequence: 'x', expiresAt: 'x' }),
      () => redis.hset(key(id), 'details', '{oops'),
      async () => [await redis.set(`${key(id)}:turns`, 'x'), await redis.set(`${key(id)}:said`, 'x')],
    ];
    for (const [a, write] of overwrite.entries()) {
      await write();
      await change(a);
      await eventually(async () => {
        const details = (await redis.type(key(id))) === 'hash' ? await redis.hget(key(id), 'details') : null;
        return details?.includes(`"metadata":{"a":${a}}`) === true;
      }, 20_000);
    }
    await eventually(async () => (await read(`/${id}`)).body.state === 'ready');
    expect(Number(await redis.hget(key(id), 'epoch'))).to.be.above(1);
  });

  it('opens and ends sessions though the lists of all are none', async () => {
    const names = ['sessions:active', '{sessions:active}:due', '{sessions:active}:ready', '{sessions:active}:sweeper'];
    for (const name of names) {
      await redis.flushall();
      await (name.endsWith('sweeper') ? redis.rpush(name, 'x') : redis.set(name, 'x'));
      const { status, body } = await pod.request('POST', '/v2/sessions', {});
      expect(status, name).to.equal(201);
      expect((await read(`/${body.id}`)).status, name).to.equal(200);
      expect((await pod.request('DELETE', `/v2/sessions/${body.id}`)).status, name).to.equal(204);
      await eventually(() => errors().length > 0);
      await redis.del(name);
      pod.log.lines.length = 0;
    }
    const { id } = await pod.open();
    await eventually(async () => (await read('')).body.sessions.some((session) => session.id === id), 20_000);
  });

  it('finds its way out of a queue and a list of pods that somebody has filled', async () => {
    const part = (name: string, n: number) => Array.from({ length: 600 }, (_, i) => `${name}-${n}-${i}`);
    for (let n = 0; n < 5; n += 1) {
      await redis.sadd('pods', ...part('pod', n));
      if (n < 1) await redis.rpush('voice_sessions', ...part('session', n));
    }
    await eventually(async () => (await redis.llen('voice_sessions')) === 0, 60_000);
    await eventually(async () => (await redis.smembers('pods')).join() === 'pod-0', 60_000);
    expect((await pod.request('POST', '/v2/sessions', {})).status).to.equal(201);
  });

  it('says so where the list of pods is none', async () => {
    await redis.set('pods', 'x');
    await eventually(
      () => errors().includes('pods cannot be told or read at Redis: this one may be by itself'),
      20_000,
    );
    expect((await pod.request('POST', '/v2/sessions', {})).status).to.equal(201);
    await redis.del('pods');
    await eventually(async () => (await redis.smembers('pods')).includes('pod-0'), 20_000);
  });

  it('learns no token from the sockets, and brings no pod down by asking for what a client has made too deep to be told', async () => {
    const { token } = await pod.open();
    const ballast = `{"token":"${token}","a":${nested(100_000)}}`;
    const client = new WebSocket(`${pod.origin.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
    client.addEventListener('message', ({ data }) => String(data).startsWith('0') && client.send(`40${ballast}`));
    await eventually(async () => (await pod.connections()) === 1);
    const listener = new Redis(server.port, server.host);
    try {
      const heard: string[] = [];
      listener.on('smessage', (_channel: string, text: string) => heard.push(text));
      await listener.ssubscribe('socket.io#/#stranger#');
      const question = { uid: 'stranger', nsp: '/', type: FETCH_SOCKETS, data: { requestId: 'r', opts: ALL_SOCKETS } };
      await eventually(async () => {
        await redis.spublish('socket.io#/#', JSON.stringify(question));
        return heard.length > 0;
      }, 20_000);
      expect(heard[0]).to.include('handshake').and.not.include(token);
    } finally {
      listener.disconnect();
      client.close();
    }
  });
});
