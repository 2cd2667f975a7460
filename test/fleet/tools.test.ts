import { expect } from 'chai';
import { Redis } from 'ioredis';
import { createAgentFolder, type AgentFolder } from '../support/agent-folder.ts';
import { eventually } from '../support/eventually.ts';
import { FleetCall, type FleetCallOptions } from '../support/fleet-call.ts';
import { REDIS_PORT } from '../support/fleet-redis.ts';
import { Fleet } from '../support/fleet.ts';
import { Network } from '../support/network.ts';
import { ScriptedCaller } from '../support/scripted-caller.ts';
import { startToolServer } from '../support/tool-server.ts';
import { startVendors, type VendorSet } from '../support/vendor-pod.ts';
import type { ModelReply } from '../support/vendors/dialect.ts';
import { byResults, uses } from '../support/vendors/tool-script.ts';
import type { VendorServer } from '../support/vendors/vendor-server.ts';

const PATIENCE_MS = 60_000;
/** Each test kills one, and the last one needs another to go on. */
const PODS = 4;
/** Longer than another pod takes to go on: the one that dies is in the midst of it. */
const SLOW = { kind: 'slow', ms: 20_000 } as const;

const agentFile = (shop: string) => `
name: shop
responder: llm
greeting: Hello there.
prompt: You work in a shop.
tools:
  - { type: http, name: place_order, description: Orders., method: POST, url: '${shop}/orders', timeoutMs: 30000 }
  - { type: http, name: order_status, description: Tells of an order., url: '${shop}/orders', timeoutMs: 30000 }
`;

/** Real servers, Redis and haproxy on hosts of their own; the vendors and the shop that tools ask are at the test's end. */
describe('a tool of an agent, when the server that runs it is killed', function () {
  this.timeout(240_000);
  let vendors: VendorSet;
  let shop: VendorServer;
  let agents: AgentFolder;
  let network: Network;
  let fleet: Fleet;
  let redis: Redis;
  let call: FleetCall;

  before(async function () {
    Network.skipWithout(this);
    agents = await createAgentFolder();
    network = await Network.create();
    const { address } = network.outside;
    vendors = await startVendors(address);
    shop = await startToolServer(
      { 'POST /orders': () => ({ number: 4712 }), 'GET /orders': () => ({ state: 'sent' }) },
      address,
    );
    await agents.write('shop.yaml', agentFile(shop.url));
    fleet = await Fleet.start({
      pods: PODS,
      network,
      environment: { ...vendors.environment, AGENTS_DIR: agents.folder },
    });
    redis = new Redis(REDIS_PORT, fleet.redis!.host.address, { maxRetriesPerRequest: 1 });
  });

  beforeEach(() => {
    for (const { requests } of [shop, vendors.model.server]) requests.length = 0;
  });

  afterEach(async () => {
    await call?.end();
  });

  /** A call whose agent has greeted. */
  async function begin(socketOn: FleetCallOptions['socketOn']): Promise<void> {
    call = await FleetCall.open(fleet, { socketOn, session: { agent: 'shop' } });
    await call.greeted();
  }

  /** The caller types; what the model says to that is given in advance. */
  async function ask(...replies: [ModelReply, ...ModelReply[]]): Promise<void> {
    vendors.model.answer(byResults(replies));
    await call.caller.request('say', { text: 'I am calling for my order.' });
  }

  /** Kills the server that leads the call; the next one goes on until the agent has said this. */
  async function killed(said: string): Promise<void> {
    const { caller } = call;
    const owner = await call.owner();
    const { epoch } = caller;
    await owner.process.kill();
    await call.whenLedAgain(epoch, PATIENCE_MS);
    expect(await call.owner(), 'who goes on').not.to.equal(owner);
    const heard = () => call.told.some(({ role, text }) => role === 'agent' && text.includes(said));
    await caller.until(heard, said, PATIENCE_MS);
    await call.listens();
  }

  const orders = (method: string) => shop.requests.filter(({ message }) => message.method === method);
  const asked = () => vendors.model.server.requests.map(({ body }) => body.toString());
  const usedTools = async () => (await call.transcript()).flatMap(({ tools = [] }) => tools);

  it('is not run again where it must not run twice, and the model told that nobody knows', async () => {
    await begin('another');
    shop.faults.push(SLOW);
    // The one that is asked anew calls the same again, under another id, as models do.
    const unsure = { text: ['I do not know whether that was ordered.'] };
    await ask(uses('place_order', {}, 'call_1'), uses('place_order', {}, 'call_2'), unsure);
    await eventually(() => orders('POST').length === 1, PATIENCE_MS);
    await killed('I do not know');

    expect(orders('POST'), 'orders that the shop was sent').to.have.lengthOf(1);
    const [first, ...later] = asked();
    expect(first).to.not.include('outcome_unknown');
    expect(later, 'what the model was asked by the other one').to.have.length.of.at.least(2);
    for (const body of later) expect(body).to.include('outcome_unknown');
  });

  it('is told as done where its result was kept, and not run again', async () => {
    await begin('owner');
    // The second time that the model is asked, it is asked with the result.
    vendors.model.server.faults.push({ kind: 'slow', ms: 1 }, SLOW);
    await ask(uses('place_order', {}, 'call_1'), { text: ['Your order has number 4712.'] });
    const place = `session:{${call.id}}`;
    const isKept = async () => (await redis.hget(place, 'continuation'))?.includes('"number":4712') ?? false;
    await eventually(async () => asked().length >= 2 && (await isKept()), PATIENCE_MS);
    await killed('number 4712');

    expect(orders('POST'), 'orders that the shop was sent').to.have.lengthOf(1);
    expect(asked().at(-1)).to.include('4712').and.not.include('outcome_unknown');
  });

  it('is run again where that does no harm', async () => {
    await begin('owner');
    shop.faults.push(SLOW);
    await ask(uses('order_status', {}, 'call_1'), uses('order_status', {}, 'call_1'), { text: ['It is on its way.'] });
    await eventually(() => orders('GET').length === 1, PATIENCE_MS);
    await killed('on its way');

    expect(orders('GET'), 'times that the shop was asked').to.have.lengthOf(2);
    expect(asked().at(-1)).to.include('sent').and.not.include('outcome_unknown');
    expect(await usedTools(), 'what the transcript has').to.have.lengthOf(1);
  });

  after(async () => {
    redis?.disconnect();
    await (fleet ?? network)?.close();
    await Promise.all([vendors?.close(), shop?.close(), agents?.remove()]);
    ScriptedCaller.cleanUp();
  });
});
