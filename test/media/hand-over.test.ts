import { expect } from 'chai';
import type { Restored } from '../../signalling/call-control.ts';
import { eventually } from '../support/eventually.ts';
import { MediaPodClient, startMediaPod, type MediaPod } from '../support/media-pod.ts';
import { opusSpeech } from '../support/opus-speech.ts';
import { sessionRecord } from '../support/session-record.ts';
import { spokenNumber } from '../../media/spoken-numbers.ts';

describe('A call that moves to another pod', function () {
  this.timeout(60_000);
  let former: MediaPod;
  let next: MediaPod;
  let client: MediaPodClient;
  const session = sessionRecord();
  const signal = new AbortController().signal;

  beforeEach(async () => {
    [former, next] = await Promise.all([startMediaPod(), startMediaPod()]);
    client = new MediaPodClient();
  });

  afterEach(async () => {
    client.close();
    await Promise.all([former.close(), next.close()]);
  });

  const saved = (): Restored => ({ transcript: former.transcript(), continuation: former.continuations.at(-1)! });
  const rtpCapabilities = () => former.calls.rtpCapabilities;

  async function join(): Promise<void> {
    const request = { rtpCapabilities: rtpCapabilities(), playback: 'running' as const };
    const joined = await former.calls.join(session, request, signal);
    if (joined.kept) throw new Error('There was nothing to keep.');
    await client.connect(former.calls, session.id, joined.media);
    await eventually(() => former.state() === 'speaking');
  }

  async function standBy(): Promise<void> {
    const request = { rtpCapabilities: rtpCapabilities(), playback: 'running' as const, microphone: true };
    const media = await next.calls.standBy(session, request, saved(), signal);
    await Promise.all([next.calls.standsBy(session.id, signal), client.connect(next.calls, session.id, media)]);
  }

  async function handOver(withinMs: number): Promise<Restored> {
    const { continuation } = await former.calls.handOver(session.id, withinMs, signal);
    const final = { transcript: former.transcript(), continuation: continuation! };
    next.calls.takeOver(session.id, final);
    return final;
  }

  const spokenBy = (pod: MediaPod) =>
    pod
      .transcript()
      .filter(({ role }) => role === 'agent')
      .map(({ text }) => text);
  /** From the last packet of voice of one pod to the first of the other, in ms. */
  const gapMs = () => {
    const voice = client.heard.packets.filter((packet) => packet.voice);
    const last = voice.findLast(({ link }) => link === 0)!.atMs;
    return voice.find(({ link }) => link === 1)!.atMs - last;
  };

  for (const [what, withinMs] of [
    ['between two clauses', 5000],
    ['in the midst of a word', 0],
  ] as const) {
    it(`goes on with the agent's words, each said once, when it moves ${what}`, async () => {
      await join();
      await former.calls.say(session.id, 'count');
      await eventually(() =>
        former.told.some(
          ({ name, data }) => name === 'transcript' && `${(data as { text: string }).text}`.includes('three'),
        ),
      );
      await standBy();
      expect(next.told).to.deep.equal([]);
      const tellings = former.told.length;
      const final = await handOver(withinMs);
      expect(JSON.stringify(final.continuation).length).to.be.below(1000);
      await eventually(() => spokenBy(next).length > 0, 20_000);
      expect(former.told.slice(tellings).filter(({ name }) => name === 'agent-state')).to.deep.equal([]);
      const words = [...spokenBy(former), ...spokenBy(next)].join(' ').toLowerCase();
      for (let n = 1; n <= 20; n++) {
        expect(words.match(new RegExp(`\\b${spokenNumber(n)}\\b`, 'g')), spokenNumber(n)).to.have.length(
          n === 20 ? 2 : 1,
        );
      }
      expect(words).to.not.include('hello', 'the greeting was cut off');
      expect(client.heard.packets.filter(({ voice, link }) => voice && link === 0).at(-1)!.atMs).to.be.below(
        client.heard.packets.find(({ voice, link }) => voice && link === 1)!.atMs,
      );
      console.log(`      the agent's voice paused for ${gapMs().toFixed(0)} ms`);
    });
  }

  it('goes on with the turn that the caller is in the midst of', async () => {
    await join();
    await eventually(() => former.state() === 'listening', 20_000);
    await standBy();
    const speech = await opusSpeech('I was going to say something rather long, if you will let me.');
    const said = client.voice.say(speech);
    await eventually(() => former.told.some(({ name }) => name === 'speech'));
    await handOver(0);
    await said;
    await eventually(() => next.transcript().length > 1, 20_000);
    const turnId = former.told.flatMap((event) => (event.name === 'speech' ? [event.data.turnId] : []))[0];
    expect(next.transcript()[0]).to.include({ role: 'user', turnId });
    expect(next.transcript()[1]).to.include({ role: 'agent', turnId });
    expect(next.transcript()[1]!.text).to.include('You spoke for');
  });
});
