import { expect } from 'chai';
import { CUT_OFF_NOTE } from '../../media/providers/llm-responder.ts';
import { eventually } from '../support/eventually.ts';
import { MediaPodClient } from '../support/media-pod.ts';
import { startVendors, VendorCaller, type VendorSet } from '../support/vendor-pod.ts';
import { CARTESIA_KEY, CARTESIA_MODELS, CartesiaServer, WORD_MS } from '../support/vendors/cartesia-server.ts';

const PLAYOUT_DELAY_MS = 200;
/** A thread that was held up when the first frame left; half of the delay that is to be found all the same. */
const HELD_UP_MS = 100;

/** Real voice workers, packets and sockets; a voice whose words take 100 ms each, and the times of which are told. */
describe('What a language model is told that the caller has heard', function () {
  this.timeout(90_000);
  let vendors: VendorSet;
  let cartesia: CartesiaServer;
  let caller: VendorCaller;

  beforeEach(async () => {
    [vendors, cartesia] = await Promise.all([startVendors(), CartesiaServer.start()]);
  });

  afterEach(async () => {
    await caller.close();
    await Promise.all([vendors.close(), cartesia.close()]);
  });

  after(() => MediaPodClient.cleanUp());

  async function join(environment: Record<string, string> = {}): Promise<void> {
    caller = await VendorCaller.join(vendors, {
      CARTESIA_API_KEY: CARTESIA_KEY,
      CARTESIA_BASE_URL: cartesia.vendor.url,
      TTS_MODEL: `cartesia/${CARTESIA_MODELS[0]}`,
      ...environment,
    });
    await caller.listening();
  }

  /** Silences the agent in the midst of many words. @returns its line */
  async function cutOff() {
    vendors.model.say({ text: Array.from({ length: 60 }, (_, n) => `Here comes word number ${n + 1} of many. `) });
    await caller.says('Tell me a long story.');
    await caller.begins('number 2');
    caller.pod.calls.interrupt(caller.session.id);
    await eventually(() => caller.lines('agent').length > 1, 20_000);
    return caller.pod.transcript().at(-1)!;
  }

  /** What the model is given when the caller speaks again. */
  async function toldNext(): Promise<string> {
    vendors.model.say({ text: ['Of course.'] });
    await caller.says('Tell me something else please.');
    await caller.hears('Of course.');
    return vendors.model.server.requests.at(-1)!.body.toString();
  }

  it('ends at the word that came out of the loudspeaker of a caller who reports 200 ms of playout delay', async () => {
    await join();
    const { id } = caller.session;
    caller.pod.calls.report(id, { statistics: { playoutDelayMs: PLAYOUT_DELAY_MS } });
    const { text, startMs, endMs, estimated, timings } = await cutOff();
    const words = text.split(' ');
    expect(estimated, 'nothing about it is a guess').to.equal(undefined);
    expect(timings!.heardMs! - timings!.firstPacketMs!).to.equal(PLAYOUT_DELAY_MS);
    expect(words.length * WORD_MS).to.be.at.most(endMs - startMs - PLAYOUT_DELAY_MS + HELD_UP_MS);
    const told = await toldNext();
    expect(told).to.include(`${text}"`).and.not.include(CUT_OFF_NOTE);
  });

  it('is marked as a guess where the client reports nothing, also to the model', async () => {
    await join();
    const { text, estimated } = await cutOff();
    expect(estimated).to.equal(true);
    expect(await toldNext())
      .to.include(text)
      .and.include(`${CUT_OFF_NOTE} Tell me something else please.`);
  });
});
