import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { MediaPodClient, startMediaPod, type MediaPod } from '../support/media-pod.ts';
import { startVendors, VendorCaller, type VendorSet } from '../support/vendor-pod.ts';

const PATIENCE_MS = 20_000;
const SUMMARY = 'What was said before, in short:\\nThe number is 4711.';

describe('A conversation that becomes long', function () {
  this.timeout(90_000);
  let vendors: VendorSet;
  let caller: VendorCaller;
  let other: MediaPod | undefined;
  let client: MediaPodClient | undefined;

  beforeEach(async () => {
    vendors = await startVendors();
  });

  afterEach(async () => {
    client?.close();
    await other?.close();
    await caller.close();
    await vendors.close();
  });

  after(() => MediaPodClient.cleanUp());

  const asked = () => vendors.model.server.requests.map(({ body }) => body.toString());

  it('is summarised behind its replies, and told so to the model, here and in the pod that goes on with it', async () => {
    const memory = { aboveTokens: 200, keepTokens: 50 };
    caller = await VendorCaller.join(vendors, {}, { memory, greeting: '' });
    const { pod, session } = caller;
    const say = (on: MediaPod, text: string) => on.calls.say(session.id, text);
    await caller.listening();
    vendors.model.say({ text: ['Alright.'] });
    await say(pod, `My number is 4711. ${'That is all there is to say of it. '.repeat(30)}`);
    await caller.hears('Alright.');
    // The summary, too: it says whatever it is asked.
    vendors.model.say({ text: ['The number is 4711.'] });
    await say(pod, 'Keep it in mind, please.');
    await caller.hears('The number is 4711.');
    await eventually(() => caller.decisions().some(({ decision }) => decision === 'summarise'), PATIENCE_MS);
    expect(caller.decisions().find(({ decision }) => decision === 'summarise')).to.include({ reason: 'long' });
    expect(asked()[2]).to.include('You keep the memory').and.include('Caller: My number is 4711.');

    vendors.model.say({ text: ['As I said.'] });
    await say(pod, 'What was it?');
    await caller.hears('As I said.');
    expect(asked()[3]).to.include(SUMMARY).and.include('Keep it in mind');
    expect(asked()[3], 'what the summary stands for').to.not.include('That is all there is to say');
    expect(caller.lines('user')[0], 'the transcript').to.include('That is all there is to say');

    const saved = { transcript: pod.transcript(), continuation: pod.continuations.at(-1)! };
    other = await startMediaPod(undefined, vendors.environment);
    client = new MediaPodClient();
    const request = { rtpCapabilities: other.calls.rtpCapabilities, playback: 'running' as const };
    const joined = await other.calls.join(session, request, new AbortController().signal, saved);
    if (joined.kept) throw new Error('There was nothing to keep.');
    await client.connect(other.calls, session.id, joined.media);
    await say(other, 'And once more?');
    await eventually(() => asked().length > 4, PATIENCE_MS);
    expect(asked()[4]).to.include(SUMMARY).and.include('Keep it in mind');
    expect(asked()[4]).to.not.include('That is all there is to say');
  });
});
