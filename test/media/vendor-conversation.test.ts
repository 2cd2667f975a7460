import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { MediaPodClient } from '../support/media-pod.ts';
import { startVendors, VendorCaller, type VendorSet } from '../support/vendor-pod.ts';

/** No reply is begun ahead: whatever fails, fails when it is asked for. */
const ONLY_WHEN_ASKED = { turnHandling: { preemptiveGeneration: { enabled: false } } };

/** Real voice workers, real packets, real HTTP and WebSockets; the vendors are local. */
describe('A conversation with a recogniser, a language model and a voice', function () {
  this.timeout(90_000);
  let vendors: VendorSet;
  let caller: VendorCaller;

  beforeEach(async () => {
    vendors = await startVendors();
  });

  afterEach(async () => {
    await caller.close();
    await vendors.close();
  });

  after(() => MediaPodClient.cleanUp());

  it('answers what the caller has said, and both are in the transcript and in what the model is told', async () => {
    caller = await VendorCaller.join(vendors);
    await caller.listening();
    vendors.model.say({ text: ['It is ', 'three o’clock. ', 'Anything else?'] });
    await caller.says('What time is it now?');
    await caller.hears('Anything else?');
    expect(caller.lines('user')).to.deep.equal(['What time is it now?']);
    expect(caller.lines('agent')).to.deep.equal([
      'Hello! What can I do for you?',
      'It is three o’clock. Anything else?',
    ]);
    vendors.model.say({ text: ['Goodbye.'] });
    await caller.says('No thank you, that is all.');
    await caller.hears('Goodbye.');
    const asked = vendors.model.server.requests.at(-1)!.body.toString();
    for (const said of ['What time is it now?', 'Anything else?', 'No thank you, that is all.'])
      expect(asked).to.include(said);
  });

  it('tells words while they are said', async () => {
    caller = await VendorCaller.join(vendors);
    await caller.listening();
    await caller.says('I would like to order two large pizzas.');
    await caller.hears('Hello there.');
    const partial = caller.pod.told.flatMap((event) =>
      event.name === 'transcript' && event.data.role === 'user' && !event.data.final ? [event.data] : [],
    );
    expect(partial.length).to.be.greaterThan(1);
    expect(partial[0]!.text.length).to.be.lessThan(partial.at(-1)!.text.length);
    expect(partial[0]!.turnId).to.equal(caller.pod.transcript().find(({ role }) => role === 'user')!.turnId);
  });

  it('stops for words, and keeps in the history what was heard', async () => {
    caller = await VendorCaller.join(vendors);
    await caller.listening();
    vendors.model.say({ text: Array.from({ length: 20 }, (_, n) => `This is sentence number ${n + 1}. `) });
    await caller.says('Tell me a long story.');
    await caller.begins('number 2');
    vendors.model.say({ text: ['Of course.'] });
    await caller.says('No, tell me something else please.');
    await caller.hears('Of course.');
    const cut = caller.lines('agent')[1]!;
    expect(cut).to.include('This is sentence');
    expect(cut).to.not.include('number 20');
    expect(caller.decisions().map(({ decision }) => decision)).to.include('interrupt');
    expect(vendors.model.server.requests.at(-1)!.body.toString())
      .to.include(cut.slice(0, 20))
      .and.not.include('number 20');
  });

  it('goes on speaking through a backchannel', async () => {
    caller = await VendorCaller.join(vendors);
    await caller.listening();
    vendors.model.say({ text: Array.from({ length: 6 }, (_, n) => `This is sentence number ${n + 1}. `) });
    await caller.says('Tell me a long story.');
    await eventually(() => caller.pod.state() === 'speaking', 20_000);
    await caller.says('Yeah right okay.', 'Yeah, okay.');
    await caller.hears('number 6');
    expect(caller.lines('user')).to.deep.equal(['Tell me a long story.']);
    expect(caller.decisions().map(({ decision }) => decision)).to.not.include('interrupt');
  });

  it('apologises by voice, tries again, and ends the call politely where no model answers', async () => {
    caller = await VendorCaller.join(vendors, {}, ONLY_WHEN_ASKED);
    await caller.listening();
    vendors.model.server.faults.push({ kind: 'status', status: 503 }, { kind: 'status', status: 503 });
    await caller.says('What time is it now?');
    await caller.hears('Goodbye');
    await eventually(() => caller.pod.ends.includes('failed'), 20_000);
    const failovers = caller.decisions().filter(({ decision }) => decision === 'failover');
    expect(failovers.map(({ inputs }) => inputs['code'])).to.deep.equal(['vendor_failed', 'vendor_failed']);
  });

  it('tries again once and then answers', async () => {
    caller = await VendorCaller.join(vendors, {}, ONLY_WHEN_ASKED);
    await caller.listening();
    vendors.model.server.faults.push({ kind: 'status', status: 503 });
    vendors.model.say({ text: ['It is three.'] });
    await caller.says('What time is it now?');
    await caller.hears('It is three.');
    expect(caller.lines('agent').at(-1)).to.equal('Sorry, one moment, please. It is three.');
  });

  it('bridges the silence of a model that stalls, within 2 s of the caller’s last sound', async function () {
    caller = await VendorCaller.join(vendors);
    await caller.listening();
    vendors.model.server.faults.push({ kind: 'slow', ms: 1800 });
    vendors.model.say({ text: ['It is three.'] });
    await caller.says('What time is it now?');
    await caller.hears('It is three.');
    expect(caller.lines('agent').at(-1)).to.equal('One moment, please. It is three.');
    const { firstPacketMs = Infinity, endOfSpeechMs } = caller.pod.transcript().at(-1)!.timings!;
    this.test!.title += ` (${firstPacketMs - endOfSpeechMs} ms)`;
  });

  it('tells when each step of a turn happened, and what was decided', async () => {
    caller = await VendorCaller.join(vendors);
    await caller.listening();
    vendors.model.say({ text: ['That is ', '$4.99. ', 'Anything else?'] });
    await caller.says('What does it cost?');
    await caller.hears('Anything else?');
    const line = caller.pod.transcript().at(-1)!;
    // On a busy machine its silence may have been bridged before.
    expect(line.text, 'as it was written').to.match(/That is \$4\.99\. Anything else\?$/);
    const { endOfSpeechMs, transcriptMs, endpointMs, firstTokenMs, firstAudioMs, firstPacketMs } = line.timings!;
    // The reply may have been begun before the turn was over.
    for (const steps of [
      [endOfSpeechMs, firstTokenMs!, firstAudioMs!, firstPacketMs!],
      [endOfSpeechMs, endpointMs, firstPacketMs!],
    ]) {
      expect(steps).to.deep.equal(steps.toSorted((left, right) => left - right));
    }
    expect(transcriptMs).to.be.at.most(endpointMs);
    const [user] = caller.pod.transcript().filter(({ role }) => role === 'user');
    const endpoint = user!.decisions!.find(({ decision }) => decision === 'endpoint');
    // On a busy machine the recogniser's last word on the sentence may come after the turn was over.
    expect(endpoint?.reason).to.be.oneOf(['sentence', 'unsettled']);
  });

  it('has what was said heard again where the recogniser dies in the middle', async () => {
    vendors.ears.vendor.server.faults.push({ kind: 'cut', after: 2 });
    caller = await VendorCaller.join(vendors, { STT_MODEL: 'deepgram/nova-3,deepgram/nova-2' });
    await caller.listening();
    vendors.script.push('What');
    await caller.says('What time is it now?');
    await caller.hears('Hello there.');
    expect(caller.lines('user').join(' ')).to.include('What time is it now?');
    expect(caller.decisions().find(({ decision }) => decision === 'failover')).to.deep.include({
      reason: 'speech-to-text',
    });
  });
});
