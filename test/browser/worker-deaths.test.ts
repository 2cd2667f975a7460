import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { CallPage, launchBrowser, type PageEvent } from '../support/browser.ts';
import { fixtureSpeech } from '../support/fixture-speech.ts';
import { BRIEFLY_GREETING, startTalkingServer, type TalkingServer } from '../support/talking-server.ts';

describe('the death of a worker', function () {
  this.timeout(90_000);
  let server: TalkingServer;
  let browser: Browser;
  let call: CallPage;

  before(async () => {
    browser = await launchBrowser({ autoplay: 'allowed' });
  });

  after(() => browser?.close());

  beforeEach(async () => {
    server = await startTalkingServer(BRIEFLY_GREETING);
    call = await CallPage.open(browser, server.url, 'spoken');
    await call.startCall();
  });

  afterEach(async () => {
    await call.page.close();
    await server.close();
  });

  /** Has the agent say something, and checks in the page that it is heard. */
  async function agentIsHeard(): Promise<void> {
    const before = (await call.events()).at(-1)!;
    await call.page.fill('#say', 'Can you hear me again?');
    await call.page.press('#say', 'Enter');
    const speaking = await call.event('agentState', { with: { state: 'speaking' }, after: before });
    await call.event('agentState', { with: { state: 'listening' }, after: speaking });
    await call.hears(700, speaking.heardMs - 100);
  }

  async function callerIsHeard(): Promise<PageEvent> {
    const before = (await call.events()).at(-1)!;
    await call.say(await fixtureSpeech({ text: 'And can you still hear me?' }));
    return call.event('turn', { after: before });
  }

  async function backAfter(code: string): Promise<void> {
    const replaced = () =>
      server.log.lines.filter(({ details }) => (details as { code?: string }).code === code).length;
    const had = replaced();
    for (let waitedMs = 0; replaced() === had && waitedMs < 6000; waitedMs += 50) await call.listen(50);
    expect(replaced(), code).to.be.above(had);
  }

  it('costs a call nothing but a moment when a voice worker exits, twice', async () => {
    for (let time = 0; time < 2; time++) {
      const back = backAfter('voice_worker_replaced');
      server.strike({ index: 0, fate: 'exit' });
      await back;
      await agentIsHeard();
      await callerIsHeard();
      await call.page.waitForSelector('body[data-agent="speaking"]');
      await call.page.click('#interrupt');
      await call.page.waitForSelector('body[data-agent="listening"]');
    }
    expect(server.media.restarts.voice).to.equal(2);
  });

  it('is noticed when a voice worker hangs, twice, and the agent goes on with what it was saying', async () => {
    for (let time = 0; time < 2; time++) {
      const before = (await call.events()).at(-1)!;
      await call.page.fill('#say', 'count');
      await call.page.press('#say', 'Enter');
      await call.event('agentState', { with: { state: 'speaking' }, after: before });
      await call.listen(1500);
      const back = backAfter('voice_worker_replaced');
      const struck = (await call.events()).at(-1)!;
      server.strike({ index: 0, fate: 'hang' });
      await back;
      const again = await call.event('agentState', { with: { state: 'speaking' }, after: struck });
      await call.hears(800, again.heardMs);
      await call.page.click('#interrupt');
      await call.event('agentState', { with: { state: 'listening' }, after: again });
    }
    await agentIsHeard();
  });

  it('gives the client new transports when a media worker dies', async () => {
    const before = (await call.events()).at(-1)!;
    process.kill(server.media.mediaWorkerPids[0]!, 'SIGKILL');
    const moving = await call.event('stateChanged', { with: { state: 'moving' }, after: before });
    await call.event('stateChanged', { with: { state: 'connected' }, after: moving });
    await agentIsHeard();
    await callerIsHeard();
  });
});
