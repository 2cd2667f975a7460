import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { MediaPodClient } from '../support/media-pod.ts';
import { startVendors, VendorCaller, type VendorSet } from '../support/vendor-pod.ts';
import { SERVER_KEY, SERVER_MODEL } from '../support/vendors/dialect.ts';
import { DIALECTS, startLanguageModel } from '../support/vendors/language-model-server.ts';
import { OPENAI_KEY } from '../support/vendors/openai-audio-server.ts';
import { startOpenAiRealtime } from '../support/vendors/openai-realtime-server.ts';
import type { SocketVendor } from '../support/vendors/socket-vendor.ts';
import { ScriptListener } from '../support/vendors/spoken-words.ts';

/** OpenAI hears; who thinks is somebody else. */
describe('A conversation with OpenAI’s transcription in real time', function () {
  this.timeout(90_000);
  let vendors: VendorSet;
  let ears: SocketVendor;
  let mind: Awaited<ReturnType<typeof startLanguageModel>>;
  let caller: VendorCaller | undefined;

  beforeEach(async () => {
    [vendors, mind] = await Promise.all([startVendors(), startLanguageModel(DIALECTS.compatible)]);
    ears = await startOpenAiRealtime(() => new ScriptListener(vendors.script, 24_000));
  });

  afterEach(async () => {
    await caller?.close();
    caller = undefined;
    await Promise.all([vendors.close(), ears.close(), mind.server.close()]);
  });

  after(() => MediaPodClient.cleanUp());

  async function join(environment = {}): Promise<VendorCaller> {
    caller = await VendorCaller.join(vendors, {
      OPENAI_API_KEY: OPENAI_KEY,
      OPENAI_BASE_URL: `${ears.server.url}/v1`,
      OPENAI_COMPATIBLE_URL: `${mind.server.url}/v1`,
      OPENAI_COMPATIBLE_KEY: SERVER_KEY,
      STT_MODEL: 'openai/gpt-live-transcribe',
      LLM_MODEL: `compatible/${SERVER_MODEL}`,
      ...environment,
    });
    await caller.listening();
    return caller;
  }

  it('tells words while they are said, and answers them', async () => {
    const { pod } = await join();
    mind.say({ text: ['Two large ones. ', 'Anything else?'] });
    await caller!.says('I would like to order two large pizzas.');
    await caller!.hears('Anything else?');
    expect(caller!.lines('user')).to.deep.equal(['I would like to order two large pizzas.']);
    const partial = pod.told.flatMap((event) =>
      event.name === 'transcript' && event.data.role === 'user' && !event.data.final ? [event.data.text] : [],
    );
    expect(partial.length).to.be.greaterThan(1);
    mind.say({ text: ['Goodbye.'] });
    await caller!.says('No thank you, that is all.');
    await caller!.hears('Goodbye.');
    expect(mind.server.requests.at(-1)!.body.toString()).to.include('No thank you, that is all.');
    expect(ears.handshakes, 'one connection for the call').to.equal(1);
  });

  it('stops the agent for words', async () => {
    await join();
    mind.say({ text: Array.from({ length: 20 }, (_, n) => `This is sentence number ${n + 1}. `) });
    await caller!.says('Tell me a long story.');
    await caller!.begins('number 1');
    mind.say({ text: ['Of course.'] });
    await caller!.says('No, tell me something else please.');
    await caller!.hears('Of course.');
    expect(caller!.decisions().map(({ decision }) => decision)).to.include('interrupt');
    expect(caller!.lines('agent')[1]).to.not.include('number 20');
  });

  it('is heard by the next recogniser where this one is cut off', async () => {
    await join({ STT_MODEL: 'openai/gpt-live-transcribe,deepgram/nova-3' });
    const text = 'What time is it now, and what is the weather like?';
    vendors.script.push(text);
    mind.say({ text: ['It is three.'] });
    const said = caller!.says(text);
    await caller!.begins('What time');
    ears.cut();
    await said;
    await caller!.hears('It is three.');
    expect(caller!.lines('user')).to.deep.equal([text]);
  });

  it('leaves no room for the model where the key is shared with another pod: the next vendor answers', async () => {
    const { pod } = await join({
      OPENAI_CONCURRENT: '4',
      LLM_MODEL: `openai/${SERVER_MODEL},compatible/${SERVER_MODEL}`,
    });
    const skipped = () =>
      caller!
        .decisions()
        .filter(({ decision, reason }) => decision === 'failover' && reason === 'language-model')
        .map(({ inputs }) => inputs['code']);
    mind.say({ text: ['It is three.'] });
    await caller!.says('What time is it now?');
    await caller!.hears('It is three.');
    expect(skipped(), 'it was asked: this server has no such model').to.not.include('no-capacity');
    pod.calls.setLivePods(4);
    mind.say({ text: ['It is Wednesday.'] });
    await caller!.says('And what day is it?');
    await caller!.hears('It is Wednesday.');
    await eventually(() => skipped().includes('no-capacity'), 20_000);
    const { waitedMs } = caller!.decisions().find(({ inputs }) => inputs['code'] === 'no-capacity')!.inputs;
    expect(waitedMs).to.be.at.least(290);
  });
});
