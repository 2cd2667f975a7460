import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { MediaPodClient } from '../support/media-pod.ts';
import { opusPackets } from '../support/opus-speech.ts';
import { fixtureSpeech } from '../support/fixture-speech.ts';
import { startVendors, VendorCaller, type VendorSet } from '../support/vendor-pod.ts';

const RATE_HZ = 48_000;
/** Flux believes that the turn may be over, and takes it back. */
const PAUSE_MS = 420;

/** The recogniser tells when turns begin, may be over, go on, and are over. */
describe('A conversation with a recogniser that ends turns', function () {
  this.timeout(90_000);
  let vendors: VendorSet;
  let caller: VendorCaller;

  beforeEach(async () => {
    vendors = await startVendors();
    caller = await VendorCaller.join(vendors, { STT_MODEL: 'deepgram/flux-general-en' });
    await caller.listening();
  });

  afterEach(async () => {
    await caller.close();
    await vendors.close();
  });

  after(() => MediaPodClient.cleanUp());

  it('answers when the recogniser says that the turn is over', async () => {
    vendors.model.say({ text: ['It is three o’clock.'] });
    await caller.says('What time is it now?');
    await caller.hears('It is three o’clock.');
    expect(caller.lines('user')).to.deep.equal(['What time is it now?']);
    const endpoint = caller.decisions().find(({ decision }) => decision === 'endpoint')!;
    expect(endpoint.reason).to.equal('vendor');
    expect(vendors.ears.urls.every(({ pathname }) => pathname === '/v2/listen')).to.equal(true);
  });

  it('waits where the recogniser takes back that the turn may be over', async () => {
    vendors.script.push('I would like two pizzas and', 'a lot of cheese.');
    const sounds = [
      await fixtureSpeech({ text: 'I would like two pizzas and', sampleRateHz: RATE_HZ }),
      new Int16Array((RATE_HZ * PAUSE_MS) / 1000),
      await fixtureSpeech({ text: 'a lot of cheese.', sampleRateHz: RATE_HZ }),
    ];
    vendors.model.say({ text: ['Two pizzas.'] });
    await caller.client.voice.say(sounds.flatMap(opusPackets));
    await caller.hears('Two pizzas.');
    expect(caller.lines('user')).to.deep.equal(['I would like two pizzas and a lot of cheese.']);
    expect(vendors.model.server.requests.at(-1)!.body.toString()).to.include('a lot of cheese.');
  });

  it('stops the agent for words, and goes on speaking through a backchannel', async () => {
    vendors.model.say({ text: Array.from({ length: 20 }, (_, n) => `This is sentence number ${n + 1}. `) });
    await caller.says('Tell me a long story.');
    await caller.begins('number 1');
    await caller.says('Yeah right okay.', 'Yeah, okay.');
    await caller.begins('number 4');
    expect(caller.decisions().map(({ decision }) => decision)).to.not.include('interrupt');
    vendors.model.say({ text: ['Of course.'] });
    await caller.says('No, tell me something else please.');
    await caller.hears('Of course.');
    expect(caller.decisions().map(({ decision }) => decision)).to.include('interrupt');
    expect(caller.lines('agent')[1]).to.include('number 1').and.not.include('number 20');
  });

  it('has what was said heard again by the next recogniser where this one dies', async () => {
    await caller.close();
    caller = await VendorCaller.join(vendors, { STT_MODEL: 'deepgram/flux-general-en,deepgram/nova-3' });
    await caller.listening();
    const text = 'What time is it now, and what is the weather like?';
    vendors.script.push(text);
    vendors.model.say({ text: ['It is three.'] });
    const said = caller.says(text);
    await caller.begins('What time');
    vendors.ears.vendor.cut();
    await said;
    await caller.hears('It is three.');
    expect(caller.lines('user')).to.deep.equal([text]);
    expect(vendors.ears.urls.at(-1)!.pathname).to.equal('/v1/listen');
    await eventually(() => caller.decisions().some(({ reason }) => reason === 'speech-to-text'), 20_000);
  });
});
