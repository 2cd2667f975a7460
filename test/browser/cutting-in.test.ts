import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { CallPage, launchBrowser, type PageEvent } from '../support/browser.ts';
import { fixtureSpeech } from '../support/fixture-speech.ts';
import { envelope, rms } from '../support/sound.ts';
import { BRIEFLY_GREETING, startTalkingServer, type TalkingServer } from '../support/talking-server.ts';

describe('cutting in', function () {
  this.timeout(60_000);
  let server: TalkingServer;
  let browser: Browser;
  let call: CallPage;

  before(async () => {
    server = await startTalkingServer(BRIEFLY_GREETING);
    browser = await launchBrowser({ autoplay: 'allowed' });
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  beforeEach(async () => {
    call = await CallPage.open(browser, server.url, 'spoken');
    await call.startCall();
  });

  afterEach(() => call.page.close());

  /** Has the agent count, and waits until it is well under way. */
  async function counting(): Promise<PageEvent> {
    const before = await last();
    await call.page.fill('#say', 'count');
    await call.page.press('#say', 'Enter');
    const speaking = await call.event('agentState', { with: { state: 'speaking' }, after: before });
    await call.listen(4500);
    return speaking;
  }

  async function last(): Promise<PageEvent> {
    return (await call.events()).at(-1)!;
  }

  it('ducks, pauses and interrupts the agent, with a fade and then silence', async () => {
    const speaking = await counting();
    const speech = await fixtureSpeech({ text: 'Please stop, I have something else to say to you now.' });
    await call.say(speech);

    const ducked = await call.event('agentState', { with: { output: 'ducked' }, after: speaking });
    const paused = await call.event('agentState', { with: { output: 'paused' }, after: ducked });
    const over = await call.event('agentState', { with: { state: 'listening' }, after: paused });
    // Design: lowered after 96 ms of speech, paused after 350. The rest is the machine's, which others use too.
    expect(paused.data['atMs'], 'paused later than lowered').to.be.above(ducked.data['atMs'] as number);
    expect(over.data['interruptedAfterMs'], 'ms from the first word to silence').to.be.within(350, 2000);

    const turn = await call.event('turn', { after: over });
    const during = await call.heard(paused.heardMs + 300, turn.heardMs);
    expect(rms(during.samples), 'the agent is silent while the caller speaks on').to.be.below(0.003);
    const reply = await call.event('transcript', {
      with: { role: 'agent', final: true },
      after: turn,
      timeoutMs: 25_000,
    });
    expect(reply.data['text']).to.match(/^I stopped .* milliseconds after you began\./);
  });

  it('keeps in the transcript what was heard of the reply, not what was generated', async () => {
    const speaking = await counting();
    await call.say(await fixtureSpeech({ text: 'That is enough now, thank you very much.' }));
    const heard = await call.event('transcript', { with: { role: 'agent', final: true }, after: speaking });
    expect(heard.data['text'])
      .to.match(/One, two,/)
      .and.not.match(/twenty\.$/);
  });

  it('lowers the voice for a short noise, and goes on', async () => {
    const speaking = await counting();
    const speech = await fixtureSpeech({ text: 'Aah.' });
    await call.say(speech.subarray(0, 48 * 200));
    const ducked = await call.event('agentState', { with: { output: 'ducked' }, after: speaking });
    const back = await call.event('agentState', { with: { output: 'normal', state: 'speaking' }, after: ducked });

    const loudest = async (from: number, to: number) => {
      const { samples, rateHz } = await call.heard(from, to);
      return Math.max(...envelope(samples, rateHz));
    };
    const before = await loudest(speaking.heardMs + 500, ducked.heardMs);
    const during = await loudest(ducked.heardMs + 200, back.heardMs - 50);
    await call.listen(2500);
    const after = await loudest(back.heardMs + 200, back.heardMs + 2500);
    expect(during / before, 'ducked to a fifth').to.be.below(0.4);
    expect(after / before, 'and back').to.be.above(0.6);

    const events = (await call.events()).slice(ducked.index);
    expect(events.filter(({ name, data }) => name === 'turn' || data['output'] === 'paused')).to.deep.equal([]);
  });

  it('does not take noise for speech', async () => {
    await counting();
    let state = 7;
    const noise = Int16Array.from({ length: 48 * 300 }, () => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return (state / 2_147_483_648 - 0.5) * 12_000;
    });
    const from = await last();
    await call.say(noise);
    await call.listen(1500);
    const events = (await call.events()).slice(from.index + 1);
    expect(events.filter(({ name }) => name === 'userStartedSpeaking')).to.deep.equal([]);
  });

  it('interrupts at the click of a button', async () => {
    const speaking = await counting();
    await call.page.click('#interrupt');
    const over = await call.event('agentState', { with: { state: 'listening' }, after: speaking });
    await call.listen(700);
    const { samples } = await call.heard(over.heardMs + 250);
    expect(rms(samples)).to.be.below(0.003);
  });
});
