import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { MediaPodClient } from '../support/media-pod.ts';
import { startVendors, VendorCaller, type VendorSet } from '../support/vendor-pod.ts';
import { CARTESIA_KEY, CartesiaServer } from '../support/vendors/cartesia-server.ts';

/** 100 ms each. */
const WORDS = Array.from({ length: 60 }, (_, n) => `word${n + 1}`);
/** What is spoken ahead, for silences. */
const FILLERS = 2;

/** A voice that is given text as it is written, and tells when each word was said. */
describe('A conversation with a voice that tells the times of its words', function () {
  this.timeout(90_000);
  let vendors: VendorSet;
  let cartesia: CartesiaServer;
  let caller: VendorCaller;

  beforeEach(async () => {
    [vendors, cartesia] = await Promise.all([startVendors(), CartesiaServer.start()]);
    const environment = {
      CARTESIA_API_KEY: CARTESIA_KEY,
      CARTESIA_BASE_URL: cartesia.vendor.url,
      TTS_MODEL: 'cartesia/sonic-3.5',
    };
    caller = await VendorCaller.join(vendors, environment, { greeting: '' });
    await caller.listening();
    await eventually(() => cartesia.contexts >= FILLERS, 20_000);
  });

  afterEach(async () => {
    await caller.close();
    await Promise.all([vendors.close(), cartesia.close()]);
  });

  after(() => MediaPodClient.cleanUp());

  const failovers = () => caller.decisions().filter(({ decision }) => decision === 'failover');

  it('says what the model writes, each word once, over one connection', async () => {
    vendors.model.say({ text: ['It is three ', 'in the afternoon. ', 'Anything else?'] });
    await caller.says('What time is it now?');
    await caller.hears('Anything else?');
    expect(caller.lines('agent')).to.deep.equal(['It is three in the afternoon. Anything else?']);
    const said = cartesia.inputs.map(({ transcript }) => transcript).join(' ');
    expect(said.match(/afternoon/g)).to.have.length(1);
    expect(cartesia.vendor.handshakes).to.equal(1);
    expect(failovers()).to.deep.equal([]);
  });

  it('stops where the caller cuts in, and keeps the words that were heard by then', async () => {
    vendors.model.say({ text: [`${WORDS.join(' ')}.`] });
    await caller.says('Tell me a long story.');
    const askedMs = performance.now();
    // Cut in on its first sound, it would have said a word or two.
    await eventually(() => caller.client.heard.voiceMs(askedMs) >= 1_000, 20_000);
    vendors.model.say({ text: ['Of course.'] });
    await caller.says('No, tell me something else please.');
    await caller.hears('Of course.');
    const [cut = ''] = caller.lines('agent');
    const heard = cut.split(' ');
    expect(heard, 'whole words, from the first on').to.deep.equal(WORDS.slice(0, heard.length));
    expect(heard.length).to.be.within(3, 55);
    const asked = vendors.model.server.requests.at(-1)!.body.toString();
    expect(asked)
      .to.include(cut)
      .and.not.include(WORDS[heard.length + 1]);
  });

  it('goes on with another voice from the words that are unspoken where it dies in mid-sentence', async () => {
    cartesia.vendor.server.faults.push({ kind: 'cut', after: 5 });
    vendors.model.say({ text: ['One two three four five six seven eight nine ten. ', 'That is all.'] });
    await caller.says('Count to ten.');
    await caller.hears('That is all.');
    expect(caller.lines('agent')).to.deep.equal(['One two three four five six seven eight nine ten. That is all.']);
    expect(failovers()).to.have.length(1);
    expect(failovers()[0]).to.deep.include({ reason: 'text-to-speech' });
    expect(failovers()[0]!.inputs).to.include({ provider: 'cartesia/sonic-3.5', code: 'connection_lost' });

    vendors.model.say({ text: ['Here I am again.'] });
    await caller.says('Are you there?');
    await caller.hears('Here I am again.');
    expect(failovers(), 'the next turn is its own again').to.have.length(1);
    expect(cartesia.inputs.map(({ transcript }) => transcript).join(' ')).to.include('again');
  });

  it('has another voice say all of it where it takes no more', async () => {
    cartesia.vendor.server.faults.push({ kind: 'status', status: 429 });
    vendors.model.say({ text: ['It is three.'] });
    await caller.says('What time is it now?');
    await caller.hears('It is three.');
    expect(failovers()[0]!.inputs).to.include({ provider: 'cartesia/sonic-3.5', code: 'rate_limited' });
  });
});
