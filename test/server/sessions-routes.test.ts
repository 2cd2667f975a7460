import { expect } from 'chai';
import { createAgentFolder } from '../support/agent-folder.ts';
import type { AgentFolder } from '../support/agent-folder.ts';
import { startTestServer } from '../support/running-server.ts';
import type { TestServer } from '../support/running-server.ts';

const UNKNOWN = '/v2/sessions/00000000-0000-4000-8000-000000000000';

describe('/v2/sessions', () => {
  let folder: AgentFolder;
  let server: TestServer;

  before(async () => {
    folder = await createAgentFolder();
    await folder.write('parrot.yaml', 'name: parrot\nvariables: { name: {} }');
    server = await startTestServer({ AGENTS_DIR: folder.folder });
  });

  after(async () => {
    await server.close();
    await folder.remove();
  });

  const post = (body: unknown) => server.request('POST', '/v2/sessions', body);

  it('opens a session and gives what a browser needs to join it', async () => {
    const { status, body } = await post({ agent: 'parrot', campaign: 'spring', metadata: { order: 7 } });
    expect(status).to.equal(201);
    expect(body).to.have.all.keys('id', 'agent', 'state', 'pod', 'token', 'expiresAt', 'url');
    expect(body).to.include({ agent: 'parrot', state: 'ready', url: server.origin });
    expect(body.expiresAt).to.be.within(Date.now() + 590_000, Date.now() + 601_000);
  });

  it('opens one with the default agent when nothing is said, with and without a body', async () => {
    expect((await post({})).body.agent).to.equal('parrot');
    expect((await post(undefined)).body.agent).to.equal('parrot');
  });

  it('refuses an agent that there is not, naming those that there are', async () => {
    const { status, body } = await post({ agent: 'nobody' });
    expect(status).to.equal(400);
    expect(body.error.code).to.equal('agent_not_found');
    expect(body.error.message).to.include('parrot');
  });

  it("refuses overrides outside the agent's ranges, naming the range", async () => {
    const overrides = { turnHandling: { endpointing: { speechEndMs: 5 } } };
    const { status, body } = await post({ overrides });
    expect([status, body.error.code]).to.deep.equal([400, 'invalid_overrides']);
    expect(body.error.message).to.include('speechEndMs must be a number from 100 to 3000');
    expect((await post({ overrides: { turnHandling: { endpointing: { speechEndMs: 500 } } } })).status).to.equal(201);
  });

  it("takes limits and texts for one session, checked as the agent's own are", async () => {
    const limits = { sessionMinutes: 5, idle: { askAfterSeconds: 20 } };
    const opened = await post({ overrides: { limits, texts: { areYouThere: ['Hello?'] } } });
    expect(opened.status).to.equal(201);
    const { text } = await server.request('GET', `/v2/sessions/${opened.body.id}`);
    expect(JSON.parse(text)).to.have.nested.property('overrides.limits').that.deep.equals(limits);
    for (const [overrides, problem] of [
      [{ limits: { sessionMinutes: 0 } }, 'limits.sessionMinutes must be a number from 1 to 1440'],
      [{ limits: { idle: { askBy: 'model' } } }, 'limits.idle.askBy needs a language model'],
      [{ limits: { hours: 1 } }, 'limits has no field hours'],
      [{ texts: { goodbye: 'Bye.' } }, 'texts has no field goodbye'],
      [{ texts: { farewell: 7 } }, 'texts.farewell'],
    ] as const) {
      const { status, body } = await post({ overrides });
      expect([status, body.error.code], problem).to.deep.equal([400, 'invalid_overrides']);
      expect(body.error.message).to.include(problem);
    }
  });

  it('refuses fields that it does not know or that do not fit, naming each', async () => {
    const { status, body } = await post({ agnet: 'parrot', campaign: 7, variables: { a: null } });
    expect([status, body.error.code]).to.deep.equal([400, 'invalid_request']);
    expect(body.error.message).to.include('agnet').and.include('campaign').and.include('variables.a');
  });

  it('refuses metadata that takes little to send and a lot to keep', async () => {
    const parts = (count: number) => ({ a: Array.from({ length: count }, () => []) });
    expect((await post({ metadata: parts(1_999) })).status).to.equal(201);
    const { status, body } = await post({ metadata: parts(2_000) });
    expect([status, body.error.code]).to.deep.equal([400, 'invalid_request']);
    expect(body.error.message).to.include('2000 values');
  });

  it('refuses metadata that is nested too deeply to be given back', async () => {
    const nested = (levels: number) => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`) as object;
    expect((await post({ metadata: nested(32) })).status).to.equal(201);
    const { status, body } = await post({ metadata: nested(33) });
    expect([status, body.error.message]).to.deep.equal([400, 'metadata: must have at most 32 levels and 2000 values']);
    expect((await post({ metadata: nested(2000) })).status).to.equal(400);
    expect((await server.request('GET', '/v2/sessions')).status).to.equal(200);
  });

  it('shows a session without its token', async () => {
    const opened = await post({ campaign: 'spring', variables: { name: 'Ada' }, metadata: { order: 7 } });
    const { status, body, text } = await server.request('GET', `/v2/sessions/${opened.body.id}`);
    expect(status).to.equal(200);
    expect(body).to.deep.include({
      id: opened.body.id,
      agent: 'parrot',
      state: 'ready',
      pod: opened.body.pod,
      campaign: 'spring',
      variables: { name: 'Ada' },
      metadata: { order: 7 },
    });
    expect(body.timeoutAt).to.be.above(Date.now() + 3_500_000);
    expect(text).to.not.include(opened.body.token).and.not.include('epoch');
  });

  it('changes variables and metadata, and nothing else', async () => {
    const { id } = await server.open({ variables: { name: 'Ada' } });
    const changed = await server.request('PATCH', `/v2/sessions/${id}`, { metadata: { order: 8 } });
    expect(changed.status).to.equal(200);
    expect(changed.body).to.deep.include({ metadata: { order: 8 }, variables: { name: 'Ada' } });
    expect((await server.request('PATCH', `/v2/sessions/${id}`, { state: 'ended' })).status).to.equal(400);
  });

  it('ends a session, once or again, and keeps it readable', async () => {
    const { id } = await server.open();
    expect((await server.request('DELETE', `/v2/sessions/${id}`)).status).to.equal(204);
    expect((await server.request('DELETE', `/v2/sessions/${id}`)).status).to.equal(204);
    const { body } = await server.request('GET', `/v2/sessions/${id}`);
    expect(body).to.include({ state: 'ended', endReason: 'deleted' });
  });

  it('issues further tokens while a session lasts', async () => {
    const { id } = await server.open();
    const { status, body } = await server.request('POST', `/v2/sessions/${id}/tokens`);
    expect(status).to.equal(201);
    expect(body).to.have.all.keys('token', 'expiresAt', 'url');
    await server.request('DELETE', `/v2/sessions/${id}`);
    for (const [method, path, change] of [
      ['POST', `/v2/sessions/${id}/tokens`],
      ['PATCH', `/v2/sessions/${id}`, { metadata: {} }],
    ] as const) {
      const refused = await server.request(method, path, change);
      expect([refused.status, refused.body.error.code]).to.deep.equal([409, 'session_ended']);
    }
  });

  it('answers 404 for a session that there is not, and for an id that is none', async () => {
    for (const path of [UNKNOWN, `${UNKNOWN}/transcript`, '/v2/sessions/nonsense', '/v2/sessions/%00']) {
      const { status, body } = await server.request('GET', path);
      expect([status, body.error.code], path).to.deep.equal([404, 'session_not_found']);
    }
    expect((await server.request('DELETE', UNKNOWN)).status).to.equal(404);
    expect((await server.request('PATCH', UNKNOWN, {})).status).to.equal(404);
    expect((await server.request('POST', `${UNKNOWN}/tokens`)).status).to.equal(404);
  });

  it('has an empty transcript before anything was said', async () => {
    const { id } = await server.open();
    const { status, body } = await server.request('GET', `/v2/sessions/${id}/transcript`);
    expect([status, body.entries]).to.deep.equal([200, []]);
  });

  it('lists sessions page by page, the newest first, each once', async () => {
    const opened: string[] = [];
    for (let i = 0; i < 5; i += 1) opened.unshift((await server.open()).id);
    const first = await server.request('GET', '/v2/sessions?limit=3');
    const second = await server.request('GET', `/v2/sessions?limit=3&cursor=${first.body.nextCursor}`);
    const listed = [...first.body.sessions, ...second.body.sessions].map(({ id }) => id);
    expect(listed).to.include.members(opened);
    expect(new Set(listed).size).to.equal(6);
    expect((await server.request('GET', '/v2/sessions?state=live')).body.sessions).to.deep.equal([]);
  });

  it('refuses a query that does not fit', async () => {
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'state=dead', 'color=red', 'limit=1&limit=2']) {
      expect((await server.request('GET', `/v2/sessions?${query}`)).status, query).to.equal(400);
    }
  });
});

describe('/v2/sessions of a server that is full', () => {
  it('refuses with 503 and says when to come again, until there is a place', async () => {
    const server = await startTestServer({
      WORKER_POOL_SIZE: '1',
      MAX_SESSIONS_PER_WORKER: '2',
      MAX_QUEUED_SESSIONS: '0',
    });
    try {
      const [first] = [await server.open(), await server.open()];
      const refused = await server.request('POST', '/v2/sessions', {});
      expect([refused.status, refused.body.error.code]).to.deep.equal([503, 'server_busy']);
      expect(Number(refused.headers.get('retry-after'))).to.be.above(0);
      expect((await server.request('GET', '/health')).body.status).to.equal('degraded');
      await server.request('DELETE', `/v2/sessions/${first.id}`);
      expect((await server.request('POST', '/v2/sessions', {})).status).to.equal(201);
    } finally {
      await server.close();
    }
  });
});

describe('API keys', () => {
  const [KEY, OTHER] = ['a-key-of-sixteen-characters', 'another-key-of-sixteen-characters'];
  let server: TestServer;

  before(async () => {
    server = await startTestServer({ API_KEYS: `${KEY},${OTHER}`, HOST: '127.0.0.1' });
  });

  after(async () => server.close());

  const get = (path: string, authorization?: string) =>
    server.request('GET', path, undefined, authorization === undefined ? {} : { Authorization: authorization });

  it('open /v2 and /metrics, any of them', async () => {
    for (const path of ['/v2/sessions', '/metrics']) {
      expect((await get(path, `Bearer ${KEY}`)).status).to.equal(200);
      expect((await get(path, `bearer ${OTHER}`)).status).to.equal(200);
    }
  });

  it('keep everything else out, before anything is looked at', async () => {
    const wrong = [undefined, '', 'Bearer', `Bearer ${KEY}x`, `Bearer ${KEY.slice(1)}`, `Basic ${KEY}`, KEY];
    for (const authorization of [...wrong, `Bearer ${KEY},${OTHER}`]) {
      for (const path of ['/v2/sessions', '/v2/sessions/nonsense', '/metrics']) {
        const { status, body, headers } = await get(path, authorization);
        expect([status, body.error.code], authorization).to.deep.equal([401, 'unauthorized']);
        expect(headers.get('www-authenticate')).to.equal('Bearer');
      }
    }
    expect((await server.request('POST', '/v2/sessions', { broken: true })).status).to.equal(401);
  });

  it('keep everything else out however the path is spelt', async () => {
    const session = (await server.request('POST', '/v2/sessions', {}, { Authorization: `Bearer ${KEY}` })).body.id;
    for (const path of ['/V2/sessions', '/v2/SESSIONS', '/v2/sessions/', '/V2/Sessions/']) {
      expect((await get(path)).status, path).to.equal(401);
      expect((await server.request('POST', path, {})).status, path).to.equal(401);
    }
    for (const [method, end] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/tokens'],
      ['GET', '/transcript'],
    ] as const) {
      const path = `/V2/Sessions/${session}${end}`;
      expect((await server.request(method, path, method === 'GET' ? undefined : {})).status, path).to.equal(401);
    }
    for (const path of ['/Metrics', '/metrics/']) expect((await get(path)).status, path).to.equal(401);
  });

  it('leave health, the description and the page open, and the demo off', async () => {
    for (const path of ['/health', '/health/live', '/health/ready', '/openapi.json']) {
      expect((await get(path)).status, path).to.equal(200);
    }
    expect((await server.request('POST', '/demo/sessions')).status).to.equal(404);
  });

  it('are not in the log', async () => {
    await get('/v2/sessions?limit=1', `Bearer ${KEY}`);
    expect(JSON.stringify(server.log.lines)).to.not.include(KEY).and.not.include('limit=1');
  });
});
