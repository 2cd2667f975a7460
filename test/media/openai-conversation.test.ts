import { expect } from 'chai';
import { MediaPodClient } from '../support/media-pod.ts';
import { startVendors, VendorCaller, type VendorSet } from '../support/vendor-pod.ts';
import { OPENAI_KEY, startOpenAiAudio, type OpenAiAudioServer } from '../support/vendors/openai-audio-server.ts';

/** What speaks OpenAI's protocol over HTTP alone: utterances are recognised as wholes, the voice has no word times. */
describe('A conversation over an address that speaks the protocol of OpenAI', function () {
  this.timeout(90_000);
  let vendors: VendorSet;
  let audio: OpenAiAudioServer;
  let caller: VendorCaller;

  beforeEach(async () => {
    [vendors, audio] = await Promise.all([startVendors(), startOpenAiAudio()]);
  });

  afterEach(async () => {
    await caller.close();
    await Promise.all([vendors.close(), audio.server.close()]);
  });

  after(() => MediaPodClient.cleanUp());

  it('hears whole utterances, answers with its voice', async () => {
    caller = await VendorCaller.join(vendors, {
      OPENAI_COMPATIBLE_URL: `${audio.server.url}/v1`,
      OPENAI_COMPATIBLE_KEY: OPENAI_KEY,
      STT_MODEL: 'compatible/whisper-1',
      TTS_MODEL: 'compatible/tts-1',
    });
    await caller.listening();
    audio.hears('What time is it now?');
    vendors.model.say({ text: ['It is three ', 'in the afternoon.'] });
    await caller.says('What time is it now?');
    await caller.hears('It is three in the afternoon.');
    audio.hears('And what day is it?');
    vendors.model.say({ text: ['It is Wednesday.'] });
    await caller.says('And what day is it?');
    await caller.hears('It is Wednesday.');
    expect(caller.lines('user')).to.deep.equal(['What time is it now?', 'And what day is it?']);
    const paths = audio.server.requests.map(({ url }) => url.pathname);
    expect(paths.filter((path) => path === '/v1/audio/transcriptions')).to.have.lengthOf.at.least(2);
    expect(paths.filter((path) => path === '/v1/audio/speech')).to.have.lengthOf.at.least(2);
  });
});
