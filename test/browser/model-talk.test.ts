import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import type { TranscriptEntry } from '../../signalling/protocol.ts';
import { CallPage, launchBrowser } from '../support/browser.ts';
import { fixtureSpeech } from '../support/fixture-speech.ts';
import { loudMs } from '../support/sound.ts';
import { startTalkingServer, type TalkingServer } from '../support/talking-server.ts';
import { startVendors, type VendorSet } from '../support/vendor-pod.ts';
import { SERVER_KEY, SERVER_MODEL } from '../support/vendors/dialect.ts';
import { DIALECTS, startLanguageModel } from '../support/vendors/language-model-server.ts';

const QUESTION = 'What can you tell me about the harbour?';
const OTHER_QUESTION = 'Wait, tell me about the boats instead.';

describe('a conversation with a language model in a real browser', function () {
  this.timeout(120_000);
  let vendors: VendorSet;
  let spare: Awaited<ReturnType<typeof startLanguageModel>>;
  let server: TalkingServer;
  let browser: Browser;

  before(async () => {
    vendors = await startVendors();
    spare = await startLanguageModel(DIALECTS.compatible);
    server = await startTalkingServer({
      ...vendors.environment,
      OPENAI_COMPATIBLE_URL: `${spare.server.url}/v1`,
      OPENAI_COMPATIBLE_KEY: SERVER_KEY,
      LLM_MODEL: `openai/${SERVER_MODEL},compatible/${SERVER_MODEL}`,
    });
    browser = await launchBrowser({ autoplay: 'allowed' });
  });

  after(async () => {
    await browser?.close();
    await server?.close();
    await spare?.server.close();
    await vendors?.close();
  });

  it('answers a spoken question, goes on with another model where one dies, stops for words, and answers those', async () => {
    const call = await CallPage.open(browser, server.url, 'spoken');
    await call.startCall();

    const sentences = Array.from({ length: 12 }, (_, n) => `The harbour has pier number ${n + 1}. `);
    vendors.model.say({ text: sentences });
    // Dies in the middle of the third sentence.
    vendors.model.server.faults.push({ kind: 'cut', after: 6 });
    spare.say({ text: Array.from({ length: 20 }, (_, n) => `Another ship is lying at place ${n + 1}. `) });
    vendors.script.push(QUESTION);
    await call.say(await fixtureSpeech({ text: QUESTION }));

    const question = await call.event('transcript', { with: { role: 'user', final: true } });
    expect(question.data['text']).to.equal(QUESTION);
    const answering = await call.event('agentState', { with: { state: 'speaking' }, after: question });
    const failover = await call.event('decision', { with: { decision: 'failover' } });
    expect(failover.data).to.deep.include({ reason: 'language-model' });
    await call.page.waitForFunction(`document.querySelector('#transcript').textContent.includes('at place 2')`, null, {
      timeout: 30_000,
    });

    vendors.model.say({ text: ['The boats are yellow.'] });
    vendors.script.push(OTHER_QUESTION);
    await call.say(await fixtureSpeech({ text: OTHER_QUESTION }));
    const interrupted = await call.event('decision', { with: { decision: 'interrupt' }, after: answering });
    const heard = await call.heard(answering.heardMs, interrupted.heardMs);
    expect(loudMs(heard), 'ms of the answer heard').to.be.above(3000);
    const cut = await call.event('transcript', { with: { role: 'agent', final: true }, after: answering });
    expect(cut.data['text']).to.include('pier number 1').and.include('Another ship').and.not.include('place 20');
    const boats = await call.event('transcript', {
      with: { role: 'agent', final: true },
      after: cut,
      timeoutMs: 30_000,
    });
    expect(boats.data['text']).to.equal('The boats are yellow.');
    const page = await call.page.textContent('#transcript');
    for (const line of [QUESTION, OTHER_QUESTION, 'The boats are yellow.']) expect(page).to.include(line);
    await expectTranscript(call);
    await expectWaterfall(call, ['Your turn is over']);
    await call.page.focus('#turn-before');
    await call.page.keyboard.press('Enter');
    await expectWaterfall(call, ['Your turn is over', 'Switches to another language model', 'Gives you the floor']);
    await call.page.close();
  });

  /** What the API has of it: the last answer with all its times, and the one that was cut off marked as a guess. */
  async function expectTranscript(call: CallPage): Promise<void> {
    const { id } = (await call.event('joined')).data['session'] as { id: string };
    const response = await fetch(`${server.url}v2/sessions/${id}/transcript`);
    const { entries } = (await response.json()) as { entries: TranscriptEntry[] };
    const answers = entries.filter(({ role }) => role === 'agent');
    const { transcriptMs, firstTokenMs, firstPacketMs = Infinity, heardMs } = answers.at(-1)!.timings!;
    expect([typeof transcriptMs, typeof firstTokenMs]).to.deep.equal(['number', 'number']);
    expect(heardMs, 'later than it left').to.be.above(firstPacketMs);
    expect(answers.map(({ estimated = false }) => estimated)).to.deep.equal([false, true, false]);
  }

  /** All steps of the turn in the picture, in its text and in its table; decisions in words, those among them. */
  async function expectWaterfall(call: CallPage, decisions: string[]): Promise<void> {
    const steps = ['Transcript', 'Turn over', 'First token', 'First audio', 'First packet', 'Heard'];
    expect(await call.page.locator('#waterfall .step-name').allTextContents()).to.deep.equal(steps);
    const described = await call.page.getAttribute('#waterfall', 'aria-label');
    for (const step of steps) expect(described).to.include(`${step}: `);
    await call.page.click('#turn-details summary');
    expect(await call.page.locator('#turn-table tr').count()).to.equal(steps.length);
    const told = await call.page.locator('#turn-decisions .what').allTextContents();
    expect(told).to.include.members(decisions);
    expect(await call.page.locator('#waterfall .pin').count()).to.equal(told.length);
  }
});
