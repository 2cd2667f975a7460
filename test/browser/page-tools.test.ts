import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { createAgentFolder, type AgentFolder } from '../support/agent-folder.ts';
import { CallPage, launchBrowser, type PageEvent } from '../support/browser.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { eventually } from '../support/eventually.ts';
import { loudMs } from '../support/sound.ts';
import { startTalkingServer, type TalkingServer } from '../support/talking-server.ts';
import { startVendors, type VendorSet } from '../support/vendor-pod.ts';
import type { ModelReply } from '../support/vendors/dialect.ts';
import { byResults, uses } from '../support/vendors/tool-script.ts';

const PATIENCE_MS = 60_000;

const AGENT = `
name: guide
responder: llm
greeting: Hello.
prompt: You show people around.
tools:
  - type: client
    name: show_map
    description: Shows a map.
    timeoutMs: 30000
    parameters: { type: object, properties: { place: { type: string } }, required: [place] }
  - { type: client, name: ask_for_ever, description: Takes too long., timeoutMs: 1500 }
`;

/** Real Chromium, the SDK in it, real server and media; the model is a local server of its vendor's protocol. */
describe('the tools of a page in a real browser', function () {
  this.timeout(180_000);
  let vendors: VendorSet;
  let agents: AgentFolder;
  let server: TalkingServer;
  let line: CutProxy;
  let browser: Browser;
  let call: CallPage;

  before(async () => {
    [vendors, agents] = await Promise.all([startVendors(), createAgentFolder()]);
    await agents.write('guide.yaml', AGENT);
    server = await startTalkingServer({ ...vendors.environment, AGENTS_DIR: agents.folder, DEMO: 'true' });
    line = await CutProxy.start(Number(new URL(server.url).port));
    browser = await launchBrowser({ autoplay: 'allowed' });
  });

  beforeEach(async () => {
    vendors.model.server.requests.length = 0;
    call = await CallPage.open(browser, `http://127.0.0.1:${line.port}/`);
    await call.startCall();
    await registerTools();
  });

  afterEach(async () => {
    line.heal();
    await call?.page.close();
  });

  after(async () => {
    await browser?.close();
    await line?.close();
    await server?.close();
    await Promise.all([vendors?.close(), agents?.remove()]);
  });

  /** `runs`: what was asked for, in order; `let go` has a map that waits be shown. */
  function registerTools(): Promise<void> {
    return call.page.evaluate(`
      globalThis.runs = [];
      globalThis.given = [];
      parley.registerTool('show_map', async ({ place }, { signal }) => {
        runs.push(place);
        if (place === 'Atlantis') throw new Error('There is no such place.');
        if (place === 'Bremen') await new Promise((resolve) => { globalThis.showNow = resolve; });
        return { shown: place };
      });
      parley.registerTool('ask_for_ever', (args, { signal }) => new Promise(() => {
        signal.addEventListener('abort', () => given.push('up'));
      }));
    `);
  }

  const runs = () => call.page.evaluate('runs') as Promise<string[]>;
  const asked = () => vendors.model.server.requests.map(({ body }) => body.toString());

  /** The caller types; what the model says to that is given in advance. @param before results of former turns */
  async function ask(replies: [ModelReply, ...ModelReply[]], before = 0): Promise<void> {
    vendors.model.answer(byResults(replies, before));
    await call.page.fill('#say', 'Where is it?');
    await call.page.press('#say', 'Enter');
  }

  /** Heard, not only written. */
  async function hears(text: string): Promise<void> {
    const said = ({ name, data }: PageEvent) =>
      name === 'transcript' && data['final'] === true && String(data['text']).includes(text);
    await eventually(async () => (await call.events()).some(said), PATIENCE_MS);
    const events = await call.events();
    const told = events.find(said)!;
    const speaking = events.findLast(({ name, data, index }) => {
      return index < told.index && name === 'agentState' && data['state'] === 'speaking';
    });
    const heard = await call.heard(speaking!.heardMs, told.heardMs + 500);
    expect(loudMs(heard), `ms heard of "${text}"`).to.be.above(500);
  }

  it('run once, with their arguments, and what they give is told to the model and spoken', async () => {
    await ask([uses('show_map', { place: 'Oslo' }), { text: ['There it is: Oslo.'] }]);
    await hears('There it is: Oslo.');
    expect(await runs()).to.deep.equal(['Oslo']);
    expect(asked().at(-1)).to.include(JSON.stringify(JSON.stringify({ shown: 'Oslo' })));
  });

  it('tell the model why they failed, and that they took too long', async () => {
    await ask([uses('show_map', { place: 'Atlantis' }), uses('ask_for_ever'), { text: ['I could not find that.'] }]);
    await hears('I could not find that.');
    expect(await runs()).to.deep.equal(['Atlantis']);
    expect(asked().at(-1))
      .to.include('There is no such place.')
      .and.include('timed_out')
      .and.include('may have been done');
    expect(await call.page.evaluate('given'), 'what the page was told').to.deep.equal(['up']);
  });

  it('go on where the connection is lost in their midst, and are not run again', async () => {
    await ask([uses('show_map', { place: 'Bremen' }), { text: ['That is Bremen, in the north.'] }]);
    await eventually(async () => (await runs()).length === 1, PATIENCE_MS);
    const before = (await call.events()).at(-1)!;
    line.cut();
    const lost = await call.event('stateChanged', {
      with: { state: 'reconnecting' },
      after: before,
      timeoutMs: PATIENCE_MS,
    });
    await call.page.evaluate('showNow()');
    line.heal();
    await call.event('stateChanged', { with: { state: 'connected' }, after: lost, timeoutMs: PATIENCE_MS });
    await hears('That is Bremen, in the north.');
    expect(await runs()).to.deep.equal(['Bremen']);
  });

  it('are told as unknown where the page is loaded anew in their midst, and not run again by that', async () => {
    await ask([uses('show_map', { place: 'Bremen' }), { text: ['I do not know whether you saw that.'] }]);
    await eventually(async () => (await runs()).length === 1, PATIENCE_MS);
    await call.page.reload();
    await call.event('joined', { timeoutMs: PATIENCE_MS });
    await registerTools();
    await hears('I do not know whether you saw that.');
    expect(await runs(), 'what the new page was asked for').to.deep.equal([]);
    expect(asked().at(-1)).to.include('no_client').and.include('loaded anew');

    await ask([uses('show_map', { place: 'Oslo' }), { text: ['There it is: Oslo.'] }], 1);
    await hears('There it is: Oslo.');
    expect(await runs()).to.deep.equal(['Oslo']);
  });
});
