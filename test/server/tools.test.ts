import { expect } from 'chai';
import { Redis } from 'ioredis';
import { createAgentFolder, type AgentFolder } from '../support/agent-folder.ts';
import { eventually } from '../support/eventually.ts';
import { RedisServer } from '../support/redis-server.ts';
import { ScriptedCaller } from '../support/scripted-caller.ts';
import { startTalkingServer, type TalkingServer } from '../support/talking-server.ts';
import { startToolServer } from '../support/tool-server.ts';
import { startVendors, type VendorSet } from '../support/vendor-pod.ts';
import type { ModelReply } from '../support/vendors/dialect.ts';
import type { VendorServer } from '../support/vendors/vendor-server.ts';

const SECRET = 'sesame-1234';
const KEY = 'key-of-the-integrator';
const PATIENCE_MS = 60_000;

const agentFile = (shop: string) => `
export const agent = {
  name: 'shop',
  responder: 'llm',
  greeting: 'Hello!',
  prompt: 'You work in a shop.',
  tools: [
    {
      type: 'http',
      name: 'order_status',
      description: 'Tells how far an order has come.',
      url: '${shop}/orders/{{arguments.order}}',
      headers: { authorization: 'Bearer {{secrets.SHOP_KEY}}' },
      parameters: { type: 'object', properties: { order: { type: 'string' } }, required: ['order'] },
    },
    { type: 'http', name: 'place_order', description: 'Orders.', method: 'POST', url: '${shop}/orders' },
    { type: 'client', name: 'show_map', description: 'Shows a map.', timeoutMs: 60_000 },
    { type: 'client', name: 'take_photo', description: 'Takes a photo.', timeoutMs: 60_000 },
    {
      name: 'price',
      description: 'Tells a price.',
      parameters: { type: 'object', properties: { count: { type: 'integer' } }, required: ['count'] },
      secrets: ['SHOP_KEY'],
      idempotent: true,
      run: ({ count }: { count: number }, { secrets }: { secrets: Record<string, string> }) => ({
        price: count * 7,
        by: secrets['SHOP_KEY'],
      }),
    },
    { type: 'built-in', name: 'send_text' },
    { type: 'built-in', name: 'end_call' },
  ],
};
`;

const uses = (name: string, args: object = {}, id = `call_${name}`): ModelReply => ({
  text: [],
  calls: [{ id, name, arguments: JSON.stringify(args) }],
});

/** Real servers, voice workers, media and Redis; vendors and the shop that tools ask are local. */
describe('The tools of an agent', function () {
  this.timeout(120_000);
  let vendors: VendorSet;
  let shop: VendorServer;
  let agents: AgentFolder;
  let redis: RedisServer;
  let client: Redis;
  let server: TalkingServer;
  let callers: ScriptedCaller[];
  let session: { id: string; token: string };

  before(async () => {
    redis = await RedisServer.start();
    client = new Redis(redis.port, redis.host, { maxRetriesPerRequest: 1 });
  });

  beforeEach(async () => {
    [callers, vendors, agents] = [[], await startVendors(), await createAgentFolder()];
    shop = await startToolServer({
      'GET /orders/4711': ({ message }) => ({ state: 'on its way', seen: message.headers.authorization }),
      'POST /orders': () => ({ number: 4712 }),
    });
    await agents.write('shop.ts', agentFile(shop.url));
    server = await startTalkingServer({
      ...vendors.environment,
      AGENTS_DIR: agents.folder,
      AGENT_SECRETS: JSON.stringify({ SHOP_KEY: SECRET }),
      API_KEYS: KEY,
      REDIS_URL: redis.url,
      TOKEN_SECRET: 'a-secret-of-these-tests-that-is-long-enough',
    });
    session = (await api('POST', '/v2/sessions')) as typeof session;
  });

  afterEach(async () => {
    for (const caller of callers) caller.close();
    await server?.close();
    await Promise.all([vendors.close(), shop.close(), agents.remove()]);
  });

  after(async () => {
    ScriptedCaller.cleanUp();
    client?.disconnect();
    await redis?.stop();
  });

  async function api(method: string, path: string): Promise<unknown> {
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
    const body = method === 'POST' ? '{}' : null;
    return (await fetch(new URL(path, server.url), { method, headers, body })).json();
  }

  async function call(): Promise<ScriptedCaller> {
    const caller = new ScriptedCaller({ url: server.url, token: session.token, bindAddress: '127.0.0.1' });
    callers.push(caller);
    return caller.whenConnected(PATIENCE_MS);
  }

  /** The caller types; what the models says to that is given in advance. */
  async function ask(...replies: [ModelReply, ...ModelReply[]]): Promise<ScriptedCaller> {
    const caller = await call();
    await caller.event('transcript', { role: 'agent', final: true }, 0, PATIENCE_MS);
    vendors.model.say(...replies);
    await caller.request('say', { text: 'I am calling for my order.' });
    return caller;
  }

  const asked = () => vendors.model.server.requests.map(({ body }) => body.toString());
  const said = (caller: ScriptedCaller, text: string) =>
    caller.until(
      () => caller.events.some(({ name, data }) => name === 'transcript' && String(data['text']).includes(text)),
      text,
      PATIENCE_MS,
    );

  it('ask a server, the page and code, show a text, and end the call when the farewell was heard', async () => {
    const caller = await ask(
      uses('order_status', { order: '4711' }),
      uses('show_map', { place: 'Bremen' }),
      uses('price', { count: 3 }),
      uses('send_text', { text: 'Order 4711' }),
      { text: ['It is on its way. ', 'Goodbye.'], calls: [{ id: 'call_end', name: 'end_call', arguments: '{}' }] },
    );
    const { data } = await caller.event('tool-call', {}, 0, PATIENCE_MS);
    expect(data).to.deep.include({ name: 'show_map', arguments: { place: 'Bremen' } });
    const answer = { callId: String(data['callId']), result: { shown: 'Bremen' } };
    await caller.request('tool-result', answer);
    await caller.request('tool-result', answer);
    await caller.event('text', { text: 'Order 4711' }, 0, PATIENCE_MS);
    await caller.until(() => caller.ended !== undefined, 'the end of the call', PATIENCE_MS);
    expect(caller.ended).to.equal('agent');

    const lines = caller.events.filter(({ name, data: line }) => name === 'transcript' && line['final']);
    expect(lines.at(-1)!.data['text']).to.match(/It is on its way. Goodbye.$/);
    expect(asked().at(-1)).to.include('on its way').and.include('shown').and.include('21');
    expect(await api('GET', `/v2/sessions/${session.id}`)).to.include({ state: 'ended', endReason: 'agent' });

    const { entries } = (await api('GET', `/v2/sessions/${session.id}/transcript`)) as {
      entries: { tools?: Record<string, unknown>[] }[];
    };
    const told = (lines.at(-1)!.data['tools'] ?? []) as Record<string, unknown>[];
    const kept = entries.at(-1)!.tools ?? [];
    const names = ['order_status', 'show_map', 'price', 'send_text', 'end_call'];
    for (const used of [told, kept]) expect(used.map(({ name }) => name)).to.deep.equal(names);
    expect(kept[0]).to.deep.include({
      arguments: { order: '4711' },
      result: { state: 'on its way', seen: 'Bearer [secret SHOP_KEY]' },
    });
    expect(told[0]).to.not.have.any.keys('arguments', 'result');
    expect(told[3]).to.deep.include({ arguments: { text: 'Order 4711' } });
    expect(shop.requests[0]!.message.headers.authorization).to.equal(`Bearer ${SECRET}`);
    expect(JSON.stringify([asked(), caller.signalling.events, entries, server.log.lines])).to.not.include(SECRET);
  });

  it('run once though the voice worker dies in their midst, and the model is told that nobody knows', async () => {
    shop.faults.push({ kind: 'slow', ms: 3_000 });
    // Asked again after the break, the model calls the same once more.
    const caller = await ask(uses('place_order', { pizza: 2 }), uses('place_order', { pizza: 2 }), {
      text: ['I am not sure whether that was ordered.'],
    });
    await eventually(() => shop.requests.length === 1, PATIENCE_MS);
    const recorded = await client.hget(`session:{${session.id}}`, 'continuation');
    expect(recorded, 'what was written before it began').to.include('place_order').and.include('"pizza":2');
    server.strike({ index: 0, fate: 'exit' });
    await said(caller, 'not sure whether');
    await caller.event('agent-state', { state: 'listening' }, performance.now(), PATIENCE_MS);
    expect(shop.requests).to.have.length(1);
    expect(shop.requests[0]!.message.headers['idempotency-key']).to.match(new RegExp(`^${session.id}:t\\d+:`));
    expect(asked().filter((body) => body.includes('outcome_unknown'))).to.have.length.of.at.least(2);
  });

  it('have the answer of a page whose worker died meanwhile told in the next turn', async () => {
    const caller = await ask(uses('take_photo'), { text: ['I lost that for a moment.'] });
    const { data } = await caller.event('tool-call', {}, 0, PATIENCE_MS);
    server.strike({ index: 0, fate: 'exit' });
    await said(caller, 'lost that for a moment');
    await caller.event('agent-state', { state: 'listening' }, performance.now() - 1_000, PATIENCE_MS);
    await caller.request('tool-result', { callId: String(data['callId']), result: 'photo-17' });
    vendors.model.say({ text: ['There it is.'] });
    await caller.request('say', { text: 'Have you got it?' });
    await said(caller, 'There it is.');
    expect(asked().at(-1)).to.include('photo-17').and.not.include('outcome_unknown');
    expect(caller.events.filter(({ name }) => name === 'tool-call')).to.have.length(1);
  });

  it('are told once to a page that loses its connection, and answered over the next one', async () => {
    const caller = await ask(uses('take_photo'), { text: ['There it is.'] });
    const { data } = await caller.event('tool-call', {}, 0, PATIENCE_MS);
    caller.signalling.restart();
    await caller.until(() => caller.joins.length === 2, 'joined anew', PATIENCE_MS);
    await caller.request('tool-result', { callId: String(data['callId']), result: 'photo-17' });
    await said(caller, 'There it is.');
    expect(asked().at(-1)).to.include('photo-17');
    expect(caller.signalling.events.filter(({ name }) => name === 'tool-call')).to.have.length(1);
  });

  it('fail where the page has no such tool, and where there is no page', async () => {
    shop.faults.push({ kind: 'slow', ms: 1_500 });
    const caller = await ask(
      uses('take_photo', {}, 'call_1'),
      uses('order_status', { order: '4711' }),
      uses('take_photo', {}, 'call_2'),
      { text: ['There is nobody.'] },
    );
    const { data } = await caller.event('tool-call', {}, 0, PATIENCE_MS);
    await caller.request('tool-result', { callId: String(data['callId']), error: 'no_handler' });
    await eventually(() => shop.requests.length === 1, PATIENCE_MS);
    expect(asked().at(-1)).to.include('no_handler');
    caller.signalling.close();
    await eventually(() => asked().at(-1)!.includes('no_client'), PATIENCE_MS);
  });
});
