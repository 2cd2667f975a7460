import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { CallPage, launchBrowser } from '../support/browser.ts';
import { fixtureSpeech } from '../support/fixture-speech.ts';
import { freePort } from '../support/free-port.ts';
import { Relay } from '../support/relay.ts';
import { BRIEFLY_GREETING, startTalkingServer, type TalkingServer } from '../support/talking-server.ts';
import { UdpRelay } from '../support/udp-relay.ts';

describe('a call whose path dies, and another one appears', function () {
  this.timeout(120_000);
  let server: TalkingServer;
  let signalling: Relay;
  let media: UdpRelay;
  let browser: Browser;

  before(async () => {
    const targetPort = await freePort();
    server = await startTalkingServer({ ...BRIEFLY_GREETING, MEDIA_PORT: String(targetPort) });
    media = await UdpRelay.start({ targetPort });
    signalling = await Relay.start(server.url);
    signalling.answerJoin = (answer) => ({ ...answer, ...(answer.media && { media: media.route(answer.media) }) });
    browser = await launchBrowser({ autoplay: 'allowed' });
  });

  after(async () => {
    await browser?.close();
    await signalling?.close();
    await media?.close();
    await server?.close();
  });

  it('goes on over it, with the client at another port than before', async () => {
    const call = await CallPage.open(browser, signalling.url, 'spoken');
    await call.startCall();
    expect(media.statistics.toClient.delivered, 'packets that came through the relay').to.be.above(50);
    const greeted = (await call.events()).at(-1)!;
    await call.page.fill('#say', 'count');
    await call.page.press('#say', 'Enter');
    const speaking = await call.event('agentState', { with: { state: 'speaking' }, after: greeted });
    media.die();
    const lost = await call.event('audioLost', { after: speaking });
    await media.revive();
    const back = await call.event('audioBack', { after: lost, timeoutMs: 20_000 });
    await call.hears(600, back.heardMs);
    await call.page.click('#interrupt');
    const silent = await call.event('agentState', { with: { state: 'listening' }, after: back });
    await call.say(await fixtureSpeech({ text: 'Can you hear me over this other path?' }));
    await call.event('turn', { after: silent });
  });
});
