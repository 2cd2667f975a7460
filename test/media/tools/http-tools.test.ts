import { expect } from 'chai';
import { tool as toolSchema, type HttpTool } from '../../../media/agent/tool-schema.ts';
import { HttpTools, type HttpToolsOptions } from '../../../media/tools/http-tools.ts';
import { ToolError } from '../../../media/tools/tool-error.ts';
import { eventually } from '../../support/eventually.ts';
import { rejection } from '../../support/rejection.ts';
import { startToolServer, type ToolAnswers } from '../../support/tool-server.ts';
import type { VendorServer } from '../../support/vendors/vendor-server.ts';

const never = new AbortController().signal;
const SECRET = 'k3y/with+signs="';

describe('tools over HTTP', () => {
  let server: VendorServer;
  let http: HttpTools | undefined;

  afterEach(async () => {
    http?.close();
    http = undefined;
    await server.close();
  });

  const start = async (answers: ToolAnswers) => void (server = await startToolServer(answers));

  function declared(fields: object): HttpTool {
    return toolSchema.parse({ type: 'http', name: 'ask', description: 'Asks.', ...fields }) as HttpTool;
  }

  async function run(
    fields: object,
    args: Record<string, unknown> = {},
    signal = never,
    options: HttpToolsOptions = {},
  ) {
    http ??= new HttpTools({ retryAfterMs: 1, ...options });
    const values = { variables: { shop: 'north & south', table: 7 }, arguments: args, secrets: { API_KEY: SECRET } };
    return http.run(declared(fields), values, 's1:t1:c1', signal);
  }

  async function failure(...parameters: Parameters<typeof run>): Promise<ToolError> {
    const error = await rejection(run(...parameters));
    expect(error).to.be.instanceOf(ToolError);
    expect(JSON.stringify([error, (error as ToolError).message])).to.not.include('127.0.0.1');
    return error as ToolError;
  }

  it('put variables, arguments and secrets in their places, each as that place wants it', async () => {
    await start({ 'POST /shops/north%20%26%20south/a%2Fb': () => ({ ok: true }) });
    const fields = {
      method: 'POST',
      url: `${server.url}/shops/{{shop}}/{{ arguments.id }}`,
      query: { since: '{{arguments.since}}', left: '{{arguments.missing}}' },
      headers: { authorization: 'Bearer {{secrets.API_KEY}}' },
      body: {
        table: '{{table}}',
        note: 'for {{arguments.id}}',
        list: ['{{arguments.list}}'],
        none: '{{arguments.none}}',
      },
    };
    expect(await run(fields, { id: 'a/b', since: '1&x=2', list: [1, 2] })).to.deep.equal({ ok: true });
    const { url, body, message } = server.requests[0]!;
    expect([...url.searchParams]).to.deep.equal([['since', '1&x=2']]);
    expect(message.headers.authorization).to.equal(`Bearer ${SECRET}`);
    expect(JSON.parse(body.toString())).to.deep.equal({ table: 7, note: 'for a/b', list: [[1, 2]] });
  });

  it('send the arguments where no body is declared, and what names the call for good', async () => {
    await start({ 'POST /orders': () => null });
    expect(await run({ method: 'POST', url: `${server.url}/orders` }, { pizza: 2 })).to.equal(null);
    expect(server.requests[0]!.body.toString()).to.equal('{"pizza":2}');
    expect(server.requests[0]!.message.headers['idempotency-key']).to.equal('s1:t1:c1');
  });

  it('take no value for a template', async () => {
    await start({ 'POST /orders': () => null });
    await run({ method: 'POST', url: `${server.url}/orders` }, { note: '{{secrets.API_KEY}}' });
    expect(server.requests[0]!.body.toString()).to.equal('{"note":"{{secrets.API_KEY}}"}');
  });

  it('let no argument lead out of its place in the path', async () => {
    await start({ 'GET /users/': () => 'all of them' });
    for (const id of ['..', '.']) {
      expect((await failure({ url: `${server.url}/users/{{arguments.id}}/x` }, { id })).code).to.equal(
        'invalid_arguments',
      );
    }
    expect(server.requests).to.have.length(0);
  });

  it('let no argument put a line into a header, and do not repeat it', async () => {
    await start({});
    const error = await failure(
      { url: server.url, headers: { 'x-name': '{{arguments.name}}' } },
      { name: 'a\r\nx: hidden' },
    );
    expect(error.code).to.equal('invalid_arguments');
    expect(error.message).to.not.include('hidden');
  });

  it('leave the host to the author', () => {
    for (const url of [
      'http://{{arguments.host}}/',
      'http://a.example{{arguments.x}}',
      'http://a@b.example/',
      'ftp://a.example/',
    ]) {
      const parsed = toolSchema.safeParse({ type: 'http', name: 'ask', description: 'Asks.', url });
      expect(parsed.success, url).to.equal(false);
    }
  });

  it('never give back a secret that the server repeats, in whichever form', async () => {
    const told = () => ({
      seen: SECRET,
      url: encodeURIComponent(SECRET),
      base64: Buffer.from(SECRET).toString('base64'),
    });
    await start({ 'GET /echo': told, 'GET /refuse': () => ({ status: 400, body: JSON.stringify(told()) }) });
    const headers = { 'x-key': '{{secrets.API_KEY}}' };
    const result = JSON.stringify(await run({ url: `${server.url}/echo`, headers }));
    expect(result).to.include('[secret API_KEY]');
    const { detail, status } = await failure({ url: `${server.url}/refuse`, headers });
    expect(status).to.equal(400);
    for (const text of [result, JSON.stringify(detail)]) {
      for (const form of Object.values(told()))
        expect(text).to.not.include(JSON.stringify(form).slice(1, -1).replace(/=+$/, ''));
    }
  });

  it('tell of a secret that is missing, and ask nobody', async () => {
    await start({ 'GET /': () => 1 });
    expect((await failure({ url: server.url, headers: { a: '{{secrets.OTHER}}' } })).code).to.equal('missing_secret');
    expect(server.requests).to.have.length(0);
  });

  it('follow nobody to another address', async () => {
    const secret = { status: 302, body: '', headers: { location: '/inside' } };
    await start({ 'GET /': () => secret, 'GET /inside': () => 'what nobody should see' });
    expect((await failure({ url: server.url })).code).to.equal('redirected');
    expect(server.requests).to.have.length(0);
  });

  it('read no more than they may, whether the length is told or not', async () => {
    await start({ 'GET /': () => 'x'.repeat(2000), 'GET /told': () => ({ status: 200, body: 'x'.repeat(2000) }) });
    expect((await failure({ url: server.url, maxResponseBytes: 1000 })).code).to.equal('too_large');
    expect((await failure({ url: `${server.url}/told`, maxResponseBytes: 1000 })).code).to.equal('too_large');
    await eventually(() => server.openSockets === 0);
  });

  const faults = [
    { fault: { kind: 'status', status: 503 }, code: 'refused', again: true },
    { fault: { kind: 'status', status: 429, retryAfter: '0' }, code: 'refused', again: true },
    { fault: { kind: 'status', status: 500 }, code: 'refused', again: false },
    { fault: { kind: 'status', status: 401 }, code: 'refused', again: false },
    { fault: { kind: 'cut', after: 1 }, code: 'unreachable', again: true },
    { fault: { kind: 'half-closed', after: 1 }, code: 'unreachable', again: true },
    { fault: { kind: 'malformed', after: 1 }, code: 'unreadable', again: false },
  ] as const;
  for (const { fault, code, again } of faults) {
    const named = `${fault.kind}${'status' in fault ? ` ${fault.status}` : ''}`;
    it(`meet ${named}: ${again ? 'tried again where that does no harm' : 'not tried again'}`, async () => {
      await start({ 'GET /': () => 'fine', 'POST /': () => 'done' });
      server.faults.push(fault);
      const first = await rejection(run({ url: server.url }));
      expect(first instanceof ToolError ? first.code : 'fine').to.equal(again ? 'fine' : code);
      server.faults.splice(0, Infinity, fault);
      expect((await failure({ method: 'POST', url: server.url })).code).to.equal(code);
      expect(server.faults).to.have.length(0);
    });
  }

  it('leave a host alone that fails again and again, and ask it later', async () => {
    await start({ 'POST /': () => 'done' });
    const options = { circuitFailures: 2, circuitOpenMs: 50 };
    const post = { method: 'POST', url: server.url };
    server.faults.push({ kind: 'status', status: 500 }, { kind: 'cut', after: 0 });
    expect((await failure(post, {}, never, options)).code).to.equal('refused');
    expect((await failure(post)).code).to.equal('unreachable');
    const open = await failure(post);
    expect(open.code).to.equal('circuit_open');
    await eventually(async () => (await rejection(run(post))) === undefined);
  });

  it('do not hold against a host what was wrong with the question', async () => {
    await start({ 'GET /': () => 'fine' });
    for (let count = 0; count < 3; count++)
      await failure({ url: `${server.url}/none` }, {}, never, { circuitFailures: 2 });
    expect(await run({ url: server.url })).to.equal('fine');
  });

  it('stop when nobody waits any more, and close the connection', async () => {
    await start({ 'GET /': () => 'fine' });
    const over = new AbortController();
    server.faults.push({ kind: 'stalled', after: 1 });
    const running = rejection(run({ url: server.url }, {}, over.signal));
    await eventually(() => server.requests.length === 1);
    over.abort(new Error('over'));
    expect(await running).to.have.property('message', 'over');
    await eventually(() => server.openSockets === 0);
  });
});
