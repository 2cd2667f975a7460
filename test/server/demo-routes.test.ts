import { expect } from 'chai';
import { networkOf } from '../../server/demo-routes.ts';
import { startTestServer } from '../support/running-server.ts';
import { SocketClient } from '../support/socket-client.ts';

describe('POST /demo/sessions', () => {
  it('opens a session with the default agent that can be joined, whatever the body says', async () => {
    const server = await startTestServer();
    try {
      const { status, body } = await server.request('POST', '/demo/sessions', { agent: 'other', metadata: { a: 1 } });
      expect(status).to.equal(201);
      expect(body).to.have.all.keys('id', 'agent', 'state', 'pod', 'token', 'expiresAt', 'url');
      expect(body.agent).to.equal('parrot');
      using client = await new SocketClient(server.origin, body.token).connected();
      await client.join();
    } finally {
      await server.close();
    }
  });

  it('tells who that agent is', async () => {
    for (const [environment, expected] of [
      [{}, { name: 'parrot', responder: 'parrot' }],
      [{ OPENAI_API_KEY: 'sk-test-0123456789' }, { name: 'assistant', responder: 'llm' }],
    ] as const) {
      const server = await startTestServer(environment);
      try {
        const { status, body } = await server.request('GET', '/demo/agent');
        expect(status).to.equal(200);
        expect(body).to.include(expected).and.to.have.all.keys('name', 'description', 'responder');
        expect((body as unknown as { description: string }).description).to.match(/\w+ \w+/);
      } finally {
        await server.close();
      }
    }
  });

  it('serves one address thirty times a minute, then says when to come again', async () => {
    const server = await startTestServer();
    try {
      for (let i = 0; i < 30; i += 1) expect((await server.request('POST', '/demo/sessions')).status).to.equal(201);
      const refused = await server.request('POST', '/demo/sessions');
      expect([refused.status, refused.body.error.code]).to.deep.equal([429, 'too_many_requests']);
      expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 60);
      expect((await server.request('POST', '/v2/sessions', {})).status).to.equal(201);
    } finally {
      await server.close();
    }
  });

  it('counts the address that it sees, and not what a request says of itself', async () => {
    const server = await startTestServer();
    const from = (place: number) => ({ 'X-Forwarded-For': `10.0.0.${place}`, Forwarded: `for=10.0.0.${place}` });
    try {
      const post = async (place: number) =>
        (await server.request('POST', '/demo/sessions', undefined, from(place))).status;
      const answers: number[] = [];
      for (let place = 0; place < 31; place += 1) answers.push(await post(place));
      expect(answers).to.deep.equal([...Array<number>(30).fill(201), 429]);
    } finally {
      await server.close();
    }
  });

  it('is there with keys only when asked for', async () => {
    const API_KEYS = 'a-key-of-sixteen-characters';
    for (const [DEMO, expected] of [
      ['true', 201],
      ['false', 404],
    ] as const) {
      const server = await startTestServer({ API_KEYS, DEMO, HOST: '127.0.0.1' });
      try {
        expect((await server.request('POST', '/demo/sessions')).status).to.equal(expected);
        const paths = (JSON.parse((await server.request('GET', '/openapi.json')).text) as { paths: object }).paths;
        expect('/demo/sessions' in paths).to.equal(expected === 201);
      } finally {
        await server.close();
      }
    }
  });

  it('takes all addresses of one network of IPv6 for one', () => {
    for (const [address, counted] of [
      ['192.0.2.7', '192.0.2.7'],
      ['::ffff:192.0.2.7', '::ffff:192.0.2.7'],
      ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
      ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
      ['2001:db8::9', '2001:db8:0:0::/64'],
      ['fe80::1%eth0', 'fe80:0:0:0::/64'],
      ['::1', '0:0:0:0::/64'],
    ] as const) {
      expect(networkOf(address)).to.equal(counted);
    }
  });
});
