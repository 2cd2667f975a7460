import { request as httpRequest } from 'node:http';
import { expect } from 'chai';
import { Router } from '@koa/router';
import Koa from 'koa';
import type { Middleware } from 'koa';
import { createApp } from '../../server/app.ts';
import { OriginPolicy } from '../../server/origins.ts';
import { PodUnreachable, RemoteRefusal, StaleEpoch, StoreUnavailable } from '../../signalling/errors.ts';
import { memoryLog, startTestServer } from '../support/running-server.ts';
import type { TestServer } from '../support/running-server.ts';

/** Fetch chooses the host by itself; this says another. */
const statusAsHost = (server: TestServer, host: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const request = httpRequest(`${server.origin}/health`, { headers: { Host: host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('error', reject).end();
  });

const expectFailure = async (
  answer: Promise<{ status: number; body: { error: { code: string } } }>,
  expected: [number, string],
) => {
  const { status, body } = await answer;
  expect([status, body.error.code]).to.deep.equal(expected);
};

/** What a request gets whose handler does this. */
const answerOf = async (handler: Middleware) => {
  const router = new Router();
  router.get('/broken', handler as Parameters<Router['get']>[1]);
  const log = memoryLog();
  const app = createApp({
    routers: [router],
    origins: new OriginPolicy({ allowedOrigins: [], loopbackOnly: false }),
    strictTransport: true,
    measure: async (_ctx, next) => void (await next()),
    log,
    nowMs: Date.now,
  });
  expect(app).to.be.instanceOf(Koa);
  const listener = app.listen(0, '127.0.0.1');
  try {
    await new Promise((resolve) => listener.once('listening', resolve));
    const { port } = listener.address() as { port: number };
    const response = await fetch(`http://127.0.0.1:${port}/broken`);
    return { status: response.status, headers: response.headers, text: await response.text(), log };
  } finally {
    listener.close();
    listener.closeAllConnections();
  }
};

describe('the HTTP application', () => {
  let server: TestServer;

  before(async () => {
    server = await startTestServer({ ALLOWED_ORIGINS: 'https://friend.example' });
  });

  after(async () => server.close());

  const from = (origin: string, method: string, path: string) =>
    server.request(method, path, undefined, { Origin: origin });

  describe('answers failures as JSON', () => {
    it('for a path that there is not', async () => {
      await expectFailure(server.request('GET', '/nothing'), [404, 'not_found']);
      await expectFailure(server.request('POST', '/v2/nothing', {}), [404, 'not_found']);
      await expectFailure(server.request('GET', '/..%2f..%2fpackage.json'), [404, 'not_found']);
      await expectFailure(server.request('GET', '/%E0%A4%A'), [404, 'not_found']);
    });

    it('for a method that a path does not have, naming those that it has', async () => {
      await expectFailure(server.request('PUT', '/v2/sessions', {}), [405, 'method_not_allowed']);
      await expectFailure(server.request('POST', '/'), [405, 'method_not_allowed']);
      const { headers } = await server.request('PUT', '/v2/sessions', {});
      expect(headers.get('allow')).to.include('POST').and.include('GET');
    });

    it('for a body that is no JSON, of another type, or too large', async () => {
      await expectFailure(server.request('POST', '/v2/sessions', '{"agent":'), [400, 'invalid_json']);
      await expectFailure(server.request('POST', '/v2/sessions', '"text"'), [400, 'invalid_json']);
      await expectFailure(
        server.request('POST', '/v2/sessions', 'agent=parrot', { 'Content-Type': 'application/x-www-form-urlencoded' }),
        [415, 'unsupported_media_type'],
      );
      await expectFailure(server.request('POST', '/v2/sessions', { metadata: { a: 'x'.repeat(70_000) } }), [
        413,
        'body_too_large',
      ]);
    });
  });

  describe('protects its pages', () => {
    it('lets them load their own scripts, reach their own server and use the microphone, and nothing else', async () => {
      const { headers } = await server.request('GET', '/health');
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy)
        .to.include("default-src 'self'")
        .and.include("script-src 'self'")
        .and.include("media-src 'self' blob:");
      const host = new URL(server.origin).host;
      expect(policy).to.include(`connect-src 'self' ws://${host} wss://${host}`);
      expect(policy).to.not.include('unsafe').and.not.include('upgrade-insecure-requests');
      expect(headers.get('permissions-policy')).to.include('microphone=(self)');
      expect(headers.get('x-content-type-options')).to.equal('nosniff');
      expect(headers.get('cache-control')).to.equal('no-store');
      expect(headers.get('strict-transport-security')).to.equal(null);
      expect(headers.get('x-powered-by')).to.equal(null);
    });

    it('answers without keys to the names of this machine alone', async () => {
      expect(await statusAsHost(server, 'localhost')).to.equal(200);
      expect(await statusAsHost(server, 'evil.example')).to.equal(421);
    });
  });

  describe('for pages of other origins', () => {
    it('names the origin back when it is allowed', async () => {
      const { status, headers } = await from('https://friend.example', 'POST', '/v2/sessions');
      expect(status).to.equal(201);
      expect(headers.get('access-control-allow-origin')).to.equal('https://friend.example');
      expect(headers.get('vary')).to.include('Origin');
    });

    it('names it back with a failure, too, so that the page can read why', async () => {
      const { status, headers } = await from('https://friend.example', 'GET', '/v2/sessions/nonsense');
      expect(status).to.equal(404);
      expect(headers.get('access-control-allow-origin')).to.equal('https://friend.example');
    });

    it('answers their preflight', async () => {
      const preflight = await server.request('OPTIONS', '/v2/sessions', undefined, {
        Origin: 'https://friend.example',
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization,content-type',
      });
      expect(preflight.status).to.equal(204);
      expect(preflight.headers.get('access-control-allow-headers')).to.equal('Authorization,Content-Type');
    });

    it('tells strangers nothing and lets them change nothing', async () => {
      const read = await from('https://stranger.example', 'GET', '/v2/sessions');
      expect(read.headers.get('access-control-allow-origin')).to.equal(null);
      for (const path of ['/v2/sessions', '/demo/sessions']) {
        const { status, body } = await from('https://stranger.example', 'POST', path);
        expect([status, body.error.code]).to.deep.equal([403, 'origin_not_allowed']);
      }
      expect((await from(server.origin, 'POST', '/demo/sessions')).status).to.equal(201);
    });
  });

  describe('when something breaks inside', () => {
    it('says 500 and no more, and logs the cause', async () => {
      const { status, text, log } = await answerOf(() => {
        throw new Error('password is sesame');
      });
      expect(status).to.equal(500);
      expect(JSON.parse(text)).to.deep.equal({
        error: { code: 'internal', message: 'Something went wrong on the server.' },
      });
      expect(log.lines.find(({ level }) => level === 'error')?.details).to.have.nested.property(
        'err.message',
        'password is sesame',
      );
    });

    it('keeps the log quiet about clients that never end what they send', async () => {
      const { log } = await answerOf((ctx) => {
        for (const code of ['ERR_HTTP_REQUEST_TIMEOUT', 'ECONNRESET', 'HPE_INVALID_METHOD'])
          ctx.app.emit('error', Object.assign(new Error('from a connection'), { code }), ctx);
      });
      expect(log.lines.filter(({ level }) => level === 'error')).to.deep.equal([]);
    });

    it('never passes a fault of the server off as one of the client', async () => {
      for (const fault of [{ status: 404 }, { status: 400, expose: true }, { code: 'session_not_found' }]) {
        const { status } = await answerOf(() => {
          throw Object.assign(new Error('from some library'), fault);
        });
        expect(status).to.equal(500);
      }
    });

    it('asks to come again where another pod or Redis does not answer just now, and knows what another pod refused', async () => {
      const faults: [Error, number, string][] = [
        [new StoreUnavailable('queue.list'), 503, 'server_busy'],
        [new PodUnreachable('pod-b', 'timeout'), 503, 'server_busy'],
        [new RemoteRefusal('pod-b', 'stale_epoch'), 503, 'server_busy'],
        [new StaleEpoch('s1'), 503, 'server_busy'],
        [new RemoteRefusal('pod-b', 'session_ended'), 409, 'session_ended'],
        [new RemoteRefusal('pod-b', 'internal'), 500, 'internal'],
      ];
      for (const [fault, expected, code] of faults) {
        const { status, headers, text } = await answerOf(() => {
          throw fault;
        });
        expect(JSON.parse(text), fault.message).to.have.nested.property('error.code', code);
        expect([status, headers.has('retry-after')], fault.message).to.deep.equal([expected, expected === 503]);
      }
    });

    it('asks browsers to keep to HTTPS where that was promised', async () => {
      const { headers } = await answerOf((ctx) => void (ctx.body = 'fine'));
      expect(headers.get('strict-transport-security')).to.include('max-age');
    });
  });
});
