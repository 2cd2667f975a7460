import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { CallPage, launchBrowser } from '../support/browser.ts';
import { fixtureSpeech } from '../support/fixture-speech.ts';
import { BRIEFLY_GREETING, startTalkingServer, type TalkingServer } from '../support/talking-server.ts';

describe('the page', function () {
  this.timeout(60_000);
  let server: TalkingServer;
  let browser: Browser;

  before(async () => {
    server = await startTalkingServer(BRIEFLY_GREETING);
    browser = await launchBrowser({ autoplay: 'allowed' });
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  it('sends nothing of the caller while muted, and hears again after', async () => {
    const call = await CallPage.open(browser, server.url, 'spoken');
    await call.startCall();
    const speech = await fixtureSpeech({ text: 'Nobody should hear this sentence of mine.' });
    await call.page.keyboard.press('m');
    await call.page.waitForSelector('body[data-microphone="muted"]');
    const { endMs } = await call.say(speech);
    await call.listen(endMs - (await call.now()) + 1200);
    const whileMuted = (await call.events()).filter(({ name }) => name === 'userStartedSpeaking');
    expect(whileMuted).to.deep.equal([]);

    await call.page.keyboard.press('m');
    await call.page.waitForSelector('body[data-microphone="active"]');
    await call.say(speech);
    await call.event('turn');
    await call.page.close();
  });

  it('reads typed text aloud', async () => {
    const call = await CallPage.open(browser, server.url, 'spoken');
    await call.startCall();
    const before = (await call.events()).at(-1)!;
    await call.page.fill('#say', 'This was typed.');
    await call.page.press('#say', 'Enter');
    const speaking = await call.event('agentState', { with: { state: 'speaking' }, after: before });
    await call.event('agentState', { with: { state: 'listening' }, after: speaking });
    await call.hears(500, speaking.heardMs - 100);
    const said = await call.event('transcript', { with: { role: 'agent', final: true }, after: before });
    expect(said.data['text']).to.equal('This was typed.');
    await call.page.close();
  });

  it('resumes the session by its token after a reload, without another greeting', async () => {
    const call = await CallPage.open(browser, server.url);
    await call.startCall();
    const first = await call.event('joined');
    await call.page.reload();
    const again = await call.event('joined');
    const id = (event: typeof first) => (event.data['session'] as { id: string }).id;
    expect(id(again)).to.equal(id(first));
    await call.event('stateChanged', { with: { state: 'connected' } });
    await call.listen(1500);
    const spoken = (await call.events()).filter(({ name }) => name === 'agentStartedSpeaking');
    expect(spoken).to.deep.equal([]);
    expect(await call.page.textContent('#transcript')).to.include('parrot');
    await call.page.close();
  });

  it('shows what was measured again after a reload', async () => {
    const call = await CallPage.open(browser, server.url, 'spoken');
    await call.startCall();
    await call.say(await fixtureSpeech({ text: 'Please measure this sentence of mine.' }));
    const turn = await call.event('turn');
    await call.event('agentState', { with: { state: 'speaking' }, after: turn });
    const figures = () => call.page.textContent('#transcript li[data-role="user"] .measures');
    const before = await figures();
    expect(before).to.match(/^spoke .* · waited .* · answered after .*$/);
    await call.page.reload();
    await call.event('joined');
    expect(await figures()).to.equal(before);
    await call.page.click('#talk');
    await call.page.waitForSelector('body[data-state="ended"]');
    expect(await call.page.evaluate('sessionStorage.length'), 'kept after the call').to.equal(0);
    await call.page.close();
  });

  it('stays muted through a reload', async () => {
    const call = await CallPage.open(browser, server.url);
    await call.startCall();
    await call.page.click('#mute');
    await call.page.waitForSelector('body[data-microphone="muted"]');
    await call.page.reload();
    await call.event('stateChanged', { with: { state: 'connected' } });
    await call.page.waitForSelector('body[data-microphone="muted"]');
    await call.page.close();
  });

  it('hangs up, and the server forgets the call', async () => {
    const call = await CallPage.open(browser, server.url);
    await call.startCall();
    const id = ((await call.event('joined')).data['session'] as { id: string }).id;
    await call.page.click('#talk');
    await call.page.waitForSelector('body[data-state="ended"]');
    await call.listen(300);
    expect(server.media.find(id)).to.equal(undefined);
    await call.page.close();
  });

  it('says in words that the microphone was refused, and talks with typed text', async () => {
    const refusing = await launchBrowser({ autoplay: 'allowed', microphone: 'denied' });
    try {
      const call = await CallPage.open(refusing, server.url);
      await call.startCall();
      await call.page.waitForSelector('#problem:not([hidden])');
      expect(await call.page.getAttribute('#problem', 'data-code')).to.equal('microphone_denied');
      expect(await call.page.textContent('#problem-text')).to.match(/microphone/i);
      const before = (await call.events()).at(-1)!;
      await call.page.fill('#say', 'I can still type.');
      await call.page.press('#say', 'Enter');
      await call.event('agentState', { with: { state: 'speaking' }, after: before });
    } finally {
      await refusing.close();
    }
  });
});
