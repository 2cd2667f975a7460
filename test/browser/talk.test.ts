import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { CallPage, launchBrowser } from '../support/browser.ts';
import { fixtureSpeech, writeFixtureWav } from '../support/fixture-speech.ts';
import { findSpeech, loudMs, rms } from '../support/sound.ts';
import { startTalkingServer, type TalkingServer } from '../support/talking-server.ts';

const SENTENCE = 'Good morning, I would like to hear my own voice.';

/** About as long, and not said by anybody. */
const OTHER = 'Seven yellow boats are lying in the old harbour.';

describe('a conversation in a real browser', function () {
  this.timeout(90_000);
  let server: TalkingServer;
  let browser: Browser;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-talk-'));
    const sentence = await fixtureSpeech({ text: SENTENCE });
    const microphoneFile = join(folder, 'microphone.wav');
    await writeFixtureWav(microphoneFile, [{ silenceMs: 6500 }, sentence, { silenceMs: 60_000 }]);
    server = await startTalkingServer();
    browser = await launchBrowser({ microphoneFile });
  });

  after(async () => {
    await browser?.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('greets, listens, plays back what it heard, and says what it measured', async () => {
    const call = await CallPage.open(browser, server.url);
    await call.page.click('#talk');

    const greeting = await call.event('agentState', { with: { state: 'speaking' } });
    const greeted = await call.event('agentState', { with: { state: 'listening' }, after: greeting });
    const greetingSound = await call.heard(greeting.heardMs - 100, greeted.heardMs);
    expect(loudMs(greetingSound), 'ms of greeting heard').to.be.within(2500, 9000);

    const turn = await call.event('turn');
    const sentence = { samples: await fixtureSpeech({ text: SENTENCE }), rateHz: 48_000 };
    const spokenMs = sentence.samples.length / 48;
    expect(turn.data['speechMs']).to.be.within(spokenMs - 400, spokenMs + 200);
    expect(turn.data['endpointingMs']).to.be.within(550, 2000);

    const reply = await call.event('agentState', { with: { state: 'speaking' }, after: turn });
    const done = await call.event('agentState', { with: { state: 'listening' }, after: reply });
    const replySound = await call.heard(reply.heardMs - 100, done.heardMs);
    const own = findSpeech(replySound, sentence);
    const other = findSpeech(replySound, { samples: await fixtureSpeech({ text: OTHER }), rateHz: 48_000 });
    expect(own.correlation, 'what came back is what was said').to.be.above(0.65);
    expect(own.correlation - other.correlation, 'and nothing else').to.be.above(0.1);
    expect(own.atMs, 'it comes first').to.be.below(1500);

    const transcript = await call.event('transcript', { with: { role: 'agent', final: true }, after: reply });
    expect(transcript.data['text']).to.match(
      /You spoke for (one|two|three|four) point \w+ seconds; I waited .* milliseconds/,
    );
    expect(await call.page.textContent('#transcript')).to.include('You spoke for');
    await call.page.close();
  });

  it('keeps silent while nobody speaks', async () => {
    const call = await CallPage.open(browser, server.url);
    await call.startCall();
    const fromMs = await call.now();
    await call.listen(1200);
    const quiet = await call.heard(fromMs + 400);
    expect(quiet.samples.length, 'samples heard').to.be.above(10_000);
    expect(rms(quiet.samples)).to.be.below(0.002);
    await call.page.close();
  });
});
