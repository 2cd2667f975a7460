import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { CallPage, launchBrowser } from '../support/browser.ts';
import { fixtureSpeech } from '../support/fixture-speech.ts';
import { findSpeech } from '../support/sound.ts';
import { BRIEFLY_GREETING, startTalkingServer, type TalkingServer } from '../support/talking-server.ts';

const SENTENCES = [
  'The first caller asks for a table by the window tonight.',
  'Somebody in Rotterdam has lost a very small umbrella.',
  'Please tell me when the next train to the coast leaves.',
  'Twenty two thousand bees live behind our garden house.',
  'An extraordinarily complicated instrument was playing.',
];

describe('five calls at once', function () {
  this.timeout(120_000);
  let server: TalkingServer;
  let browser: Browser;

  before(async () => {
    server = await startTalkingServer({ ...BRIEFLY_GREETING, WORKER_POOL_SIZE: '2', MEDIA_WORKERS: '2' });
    browser = await launchBrowser({ autoplay: 'allowed' });
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  it('keep apart what each of them said', async () => {
    const speeches = await Promise.all(SENTENCES.map((text) => fixtureSpeech({ text })));
    const calls = await Promise.all(SENTENCES.map(() => CallPage.connectBare(browser, server.url)));
    await Promise.all(calls.map((call) => call.greeted()));
    const heard = await Promise.all(
      calls.map(async (call, index) => {
        await call.say(speeches[index]!);
        const turn = await call.event('turn');
        const reply = await call.event('agentState', { with: { state: 'speaking' }, after: turn });
        await call.listen(speeches[index]!.length / 48 + 5000);
        return call.heard(reply.heardMs - 200);
      }),
    );
    const best = heard.map((sound) => {
      const matches = speeches.map((samples) => findSpeech(sound, { samples, rateHz: 48_000 }).correlation);
      return matches.indexOf(Math.max(...matches));
    });
    expect(best).to.deep.equal([0, 1, 2, 3, 4]);
  });
});
