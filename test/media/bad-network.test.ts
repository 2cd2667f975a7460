import { expect } from 'chai';
import { ImpairedCall } from '../support/impaired-call.ts';
import { sentences } from '../support/impaired-talk.ts';
import { MediaPodClient, startMediaPod, type MediaPod } from '../support/media-pod.ts';
import { StreamCounts } from '../support/stream-counts.ts';
import { compareTurns } from '../support/turn-comparison.ts';
import { findSpeech } from '../support/sound.ts';
import { eventually } from '../support/eventually.ts';
import type { Impairment } from '../support/udp-relay.ts';

const AGENT_TEXT = 'Seven boats are on the lake today. Two of them have a red sail, and one has none at all.';

describe('A call over a network that', function () {
  this.timeout(60_000);
  let pod: MediaPod;
  let counts: StreamCounts;
  const calls: ImpairedCall[] = [];
  let made = 0;

  before(async () => {
    counts = new StreamCounts();
    pod = await startMediaPod();
  });

  afterEach(() => Promise.all(calls.splice(0).map((call) => call.close())));

  after(async () => {
    counts.close();
    await pod.close();
    MediaPodClient.cleanUp();
  });

  async function open(impairment: Impairment): Promise<ImpairedCall> {
    const call = await ImpairedCall.open(pod, `bad-network-${made++}`);
    calls.push(call);
    call.impair(impairment);
    return call;
  }

  const networks: [string, Impairment][] = [
    ['loses one packet in ten', { toServer: { lossPercent: 10, delayMs: 15, seed: 7 } }],
    ['loses 100 ms of packets every two seconds', { toServer: { regularBurst: { packets: 5, everyPackets: 95 } } }],
    ['delays packets by 50 to 150 ms', { toServer: { delayMs: 100, jitterMs: 50, seed: 3 } }],
    [
      'sends packets twice and out of order',
      { toServer: { duplicatePercent: 20, reorder: { percent: 20, lateMs: 45 } } },
    ],
  ];
  it('is bad in any one way hears the turns that were said, and no others', async () => {
    const talk = await sentences(2);
    const heard = networks.map(async ([what, impairment]) => {
      const call = await open(impairment);
      await call.say(talk);
      await eventually(() => call.turns.length >= talk.length);
      const { missed, extra } = compareTurns(call.said, call.turns);
      return { what, missed, extra };
    });
    const expected = networks.map(([what]) => ({ what, missed: 0, extra: 0 }));
    expect(await Promise.all(heard)).to.deep.equal(expected);
  });

  it('loses packets asks for them again, both ways, and most come in time', async () => {
    const loss = { lossPercent: 8, delayMs: 10 };
    const call = await open({ toServer: { ...loss, seed: 5 }, toClient: { ...loss, seed: 6 } });
    const clear = await open({});
    const [heard, said] = await Promise.all([call.hearAgentSay(AGENT_TEXT), clear.hearAgentSay(AGENT_TEXT)]);
    await call.say(await sentences(2));
    const { asked, answered } = call.link.repairs;
    expect(asked.asked, 'packets of the agent that the client asked for').to.be.above(5);
    expect(asked.cameAgain, 'and that came').to.be.above(asked.asked / 3);
    expect(answered.asked, 'packets of the caller that the server asked for').to.be.above(5);
    expect(answered.sentAgain).to.equal(answered.asked);
    await eventually(() => (call.network()?.packetsRecovered ?? 0) > 0);
    const { packetsLost, packetsRecovered } = call.network()!;
    expect(packetsRecovered, 'that came in time').to.be.above(packetsLost);
    const [stream] = (await counts.read()).filter(({ fromCaller }) => fromCaller.packetsAsked > 0);
    expect(stream?.fromCaller.cameAgain).to.be.at.least(packetsRecovered);
    const { correlation } = findSpeech(
      { samples: heard.samples, rateHz: 16_000 },
      { samples: said.samples.subarray(16_000, 16_000 * 2.5), rateHz: 16_000 },
    );
    expect(correlation, 'of the loudness of what is heard and what was said').to.be.above(0.9);
  });
});
