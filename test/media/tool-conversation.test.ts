import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { MediaPodClient } from '../support/media-pod.ts';
import { createAgentFolder, type AgentFolder } from '../support/agent-folder.ts';
import { startToolServer } from '../support/tool-server.ts';
import { startVendors, VendorCaller, type VendorSet } from '../support/vendor-pod.ts';
import type { VendorServer } from '../support/vendors/vendor-server.ts';

const SECRET = 'sesame-1234';

const agentFile = (url: string) => `
name: assistant
responder: llm
greeting: Hello!
prompt: You know the weather.
variables:
  unit: { default: celsius }
tools:
  - type: http
    name: weather
    description: Tells the weather in a city.
    url: ${url}/weather/{{arguments.city}}
    query: { unit: '{{unit}}' }
    headers: { authorization: 'Bearer {{secrets.WEATHER_KEY}}' }
    filler: Let me have a look.
    parameters:
      type: object
      properties: { city: { type: string } }
      required: [city]
  - type: http
    name: order
    description: Orders an umbrella.
    method: POST
    url: ${url}/orders
`;

/** Real voice workers and packets; vendors and the tool's server are local. */
describe('A conversation with tools', function () {
  this.timeout(90_000);
  let vendors: VendorSet;
  let weather: VendorServer;
  let agents: AgentFolder;
  let caller: VendorCaller | undefined;

  beforeEach(async () => {
    [vendors, agents] = await Promise.all([startVendors(), createAgentFolder()]);
    weather = await startToolServer({
      'GET /weather/Bremen': ({ message }) => {
        vendors.model.say({ text: ['It rains in Bremen.'] });
        return { sky: 'rain', key: message.headers.authorization };
      },
      'POST /orders': () => ({ umbrella: 4711 }),
    });
    await agents.write('assistant.yaml', agentFile(weather.url));
    vendors.model.say({ text: [], calls: [{ id: 'call_1', name: 'weather', arguments: '{"city":"Bremen"}' }] });
  });

  afterEach(async () => {
    await caller?.close();
    await Promise.all([vendors.close(), weather.close(), agents.remove()]);
  });

  after(() => MediaPodClient.cleanUp());

  async function ask(): Promise<VendorCaller> {
    caller = await VendorCaller.join(vendors, {
      AGENTS_DIR: agents.folder,
      AGENT_SECRETS: JSON.stringify({ WEATHER_KEY: SECRET }),
    });
    await caller.listening();
    await caller.says('How is the weather in Bremen?');
    return caller;
  }

  const asked = () => vendors.model.server.requests.map(({ body }) => body.toString());

  it('runs what the model calls, and it speaks of the result, which it is told in later turns, too', async () => {
    const { hears, decisions, says, pod } = bound(await ask());
    await hears('It rains in Bremen.');
    const { url, message } = weather.requests[0]!;
    expect(url.searchParams.get('unit')).to.equal('celsius');
    expect(message.headers.authorization).to.equal(`Bearer ${SECRET}`);
    expect(decisions().find(({ decision }) => decision === 'tool')).to.deep.include({ reason: 'weather' });
    vendors.model.say({ text: ['Goodbye.'] });
    await says('Thank you, that is all.');
    await hears('Goodbye.');
    expect(weather.requests).to.have.length(1);
    expect(asked().at(-1)).to.include('rain').and.include('call_1');
    expect(JSON.stringify([asked(), pod.told, pod.continuations, pod.log])).to.not.include(SECRET);
  });

  it('fills the time of one that takes 8 s with words', async () => {
    weather.faults.push({ kind: 'slow', ms: 8_000 });
    // What the server makes of the request it makes at once; the answer is late.
    const { hears, lines } = bound(await ask());
    await hears('It rains in Bremen.', 40_000);
    expect(lines('agent').at(-1)).to.match(/Let me have a look\. .*It rains in Bremen\.$/);
  });

  it('lets one that must not run twice go on when the caller cuts in, and tells its result in the next turn', async () => {
    weather.faults.push({ kind: 'slow', ms: 3_000 });
    vendors.model.say({ text: [], calls: [{ id: 'call_3', name: 'order', arguments: '{}' }] });
    const { hears, decisions, says, pod } = bound(await ask());
    await eventually(() => weather.requests.length === 1, 20_000);
    pod.calls.interrupt(caller!.session.id);
    await eventually(() => pod.state() === 'listening', 20_000);
    await eventually(() => decisions().some(({ decision }) => decision === 'tool'), 20_000);
    expect(decisions().find(({ decision }) => decision === 'tool')).to.deep.include({ reason: 'order' });
    vendors.model.say({ text: ['It is on its way.'] });
    await says('Has my umbrella been ordered?');
    await hears('It is on its way.');
    expect(asked().at(-1)).to.include('4711').and.not.include('still runs');
    expect(weather.requests).to.have.length(1);
    expect(pod.continuations.some((kept) => JSON.stringify(kept).includes('"name":"order"'))).to.equal(true);
  });

  it('tells the model what was wrong with its call, and asks nobody', async () => {
    vendors.model.say({ text: [], calls: [{ id: 'call_2', name: 'weather', arguments: '{"city":5}' }] });
    const { says, hears } = bound(await ask());
    await eventually(() => asked().some((text) => text.includes('invalid_arguments')), 20_000);
    expect(weather.requests).to.have.length(0);
    vendors.model.say({ text: ['Never mind.'] });
    await says('Then tell me something else.');
    await hears('Never mind.');
  });

  const bound = (of: VendorCaller) => ({
    hears: of.hears.bind(of),
    says: of.says.bind(of),
    lines: of.lines.bind(of),
    decisions: of.decisions.bind(of),
    pod: of.pod,
  });
});
