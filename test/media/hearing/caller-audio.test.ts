import { expect } from 'chai';
import { Silero, sileroModelPath } from '../../../media/vad/silero.ts';
import { fixtureSpeech, joinSegments, type FixtureSegment } from '../../support/fixture-speech.ts';
import { rms } from '../../support/playout-line.ts';
import { CALLER_RATE_HZ, chromiumPackets, type Network, VirtualCaller } from '../../support/virtual-caller.ts';
import { noise } from '../../support/vad-windows.ts';

const ONSET_MS = 1000;
/** How far what is found may lie from what was said: three windows, for the model needs some to be sure. */
const TOLERANCE_MS = 100;
const DELAY_MS = 550;

/** A network that loses one packet in ten and delays the others by up to `jitterMs`, the same in every run. */
function badNetwork(lossPercent: number, jitterMs: number): Network {
  let state = 7;
  const random = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  return (packet) => {
    const lost = random() < lossPercent / 100;
    return lost ? undefined : { ...packet, arrivalMs: packet.sentMs + random() * jitterMs };
  };
}

describe('CallerAudio', () => {
  let silero: Silero;
  let sentence: Int16Array;
  let sentenceMs: number;
  let caller: VirtualCaller;

  before(async () => {
    silero = await Silero.load(sileroModelPath());
    sentence = await fixtureSpeech({ text: 'I would like to book a table for two.', sampleRateHz: CALLER_RATE_HZ });
    sentenceMs = (sentence.length / CALLER_RATE_HZ) * 1000;
  });

  after(() => silero.close());

  beforeEach(() => {
    caller = new VirtualCaller(silero);
  });

  afterEach(() => {
    caller.close();
    expect(caller.faults).to.deep.equal([]);
  });

  const say = (...segments: FixtureSegment[]) =>
    chromiumPackets(joinSegments([{ silenceMs: ONSET_MS }, ...segments], CALLER_RATE_HZ));

  /** One turn, and the sentence is what it was. */
  function expectSentence(index = 0, onsetMs = ONSET_MS): void {
    const turn = caller.turns[index]!;
    expect(turn.startMs, 'onset').to.be.closeTo(onsetMs, TOLERANCE_MS);
    expect(turn.endOfSpeechMs, 'end').to.be.closeTo(onsetMs + sentenceMs, TOLERANCE_MS);
    expect(turn.speechMs).to.be.closeTo(sentenceMs, 2 * TOLERANCE_MS);
  }

  /** What was recorded of a turn is the sentence: it is as long and as loud. */
  function expectRecorded(index = 0): void {
    const { startMs, endOfSpeechMs } = caller.turns[index]!;
    const recorded = caller.audio.recorder.take(startMs, endOfSpeechMs);
    expect(recorded.durationMs).to.be.closeTo(sentenceMs + 500, 2 * TOLERANCE_MS);
    const samples = Int16Array.from([...recorded.pcm(CALLER_RATE_HZ)].flatMap((block) => [...block]));
    // Silence is played in whole frames.
    expect((samples.length / CALLER_RATE_HZ) * 1000).to.be.closeTo(recorded.durationMs, 20);
    const loudness = rms(sentence) * Math.sqrt(sentenceMs / recorded.durationMs);
    expect(rms(samples)).to.be.closeTo(loudness, loudness / 4);
  }

  it('makes a turn of a sentence, and decides 550 ms after its end', async () => {
    caller.send(say(sentence, { silenceMs: 3000 }));
    await caller.runUntil(ONSET_MS + sentenceMs + 2500);
    expect(caller.turns).to.have.length(1);
    expect(caller.changes).to.deep.equal(['start', 'end']);
    expectSentence();
    expectRecorded();
    expect(caller.turns[0]!.endpointingMs).to.be.within(DELAY_MS, DELAY_MS + 20);
  });

  it('makes one of it too when a tenth is lost and the rest comes out of order', async () => {
    caller.send(say(sentence, { silenceMs: 3000 }), badNetwork(10, 50));
    await caller.runUntil(ONSET_MS + sentenceMs + 2500);
    const { lost, reordered } = caller.audio.statistics;
    expect(lost).to.be.above(5);
    expect(reordered).to.be.above(5);
    expect(caller.turns).to.have.length(1);
    expectSentence();
    expectRecorded();
  });

  it('records all of a sentence that the network delays in the middle', async () => {
    // Nothing for 200 ms, then all at once: on the clock of arrivals the sentence would be longer.
    const hole: Network = (packet) => {
      const late = packet.sentMs > 1800 && packet.sentMs < 2000;
      return { ...packet, arrivalMs: late ? 2000 : packet.sentMs };
    };
    caller.send(say(sentence, { silenceMs: 3000 }), hole);
    await caller.runUntil(ONSET_MS + sentenceMs + 2500);
    expect(caller.turns).to.have.length(1);
    expectRecorded();
  });

  it('makes one turn of two sentences with a short pause, and two of two with a long one', async () => {
    caller.send(say(sentence, { silenceMs: 350 }, sentence, { silenceMs: 2000 }, sentence, { silenceMs: 2000 }));
    await caller.runUntil(ONSET_MS + 3 * sentenceMs + 350 + 4000);
    expect(caller.turns).to.have.length(2);
    const [first, second] = caller.turns;
    expect(first!.startMs).to.be.closeTo(ONSET_MS, TOLERANCE_MS);
    expect(first!.endOfSpeechMs).to.be.closeTo(ONSET_MS + 2 * sentenceMs + 350, TOLERANCE_MS);
    expect(second!.startMs).to.be.closeTo(ONSET_MS + 2 * sentenceMs + 2350, TOLERANCE_MS);
  });

  it('makes none of silence or noise', async () => {
    caller.send(say({ silenceMs: 2000 }, noise(3 * CALLER_RATE_HZ, 1000), { silenceMs: 1000 }));
    await caller.runUntil(7000);
    expect(caller.turns).to.deep.equal([]);
    expect(caller.changes).to.deep.equal([]);
    expect(caller.windows, 'time went on').to.be.above(200);
  });

  it('ends the turn of a caller whose packets stop in the middle of a word', async () => {
    caller.send(say(sentence).filter(({ sentMs }) => sentMs <= 1800));
    await caller.runUntil(4000);
    expect(caller.turns).to.have.length(1);
    expect(caller.turns[0]!.endOfSpeechMs).to.be.closeTo(1800, TOLERANCE_MS);
    expect(caller.changes).to.deep.equal(['start', 'end']);
  });

  it('ends the turn at once when the caller mutes', async () => {
    caller.send(say(sentence));
    await caller.runUntil(2000);
    caller.audio.mute(caller.nowMs);
    expect(caller.turns).to.have.length(1);
    expect(caller.turns[0]!.endOfSpeechMs).to.be.within(1850, 2000);
    await caller.runUntil(2100);
    expect(caller.turns, 'and what was on its way begins no other').to.have.length(1);
  });

  it('hears a sender that has begun anew, with numbers far from those before', async () => {
    caller.send(say(sentence, { silenceMs: 1500 }));
    await caller.runUntil(ONSET_MS + sentenceMs + 1500);
    const onsetMs = caller.nowMs + 200;
    const fromMs = onsetMs - 200;
    const again = joinSegments([{ silenceMs: 200 }, sentence, { silenceMs: 2000 }], CALLER_RATE_HZ);
    caller.send(chromiumPackets(again, fromMs, { sequence: 12_345, timestamp: 5 }));
    await caller.runUntil(onsetMs + sentenceMs + 1500);
    expect(caller.audio.statistics.restarts).to.equal(1);
    expect(caller.turns).to.have.length(2);
    expectSentence(1, onsetMs);
  });

  it('hears another stream of the same caller, from its first packet on', async () => {
    caller.send(say(sentence, { silenceMs: 1500 }));
    await caller.runUntil(ONSET_MS + sentenceMs + 1500);
    caller.audio.restart(caller.nowMs);
    const onsetMs = caller.nowMs + 1000;
    const again = joinSegments([{ silenceMs: 1000 }, sentence, { silenceMs: 2000 }], CALLER_RATE_HZ);
    caller.send(chromiumPackets(again, onsetMs - 1000, { sequence: 3, timestamp: 0 }));
    await caller.runUntil(onsetMs + sentenceMs + 1500);
    expect(caller.turns).to.have.length(2);
    expectSentence(1, onsetMs);
    expectRecorded(1);
  });

  for (const stallMs of [300, 700]) {
    it(`ends no turn because the thread stood still for ${stallMs} ms while the caller spoke`, async () => {
      caller.send(say(sentence, { silenceMs: 3000 }));
      await caller.runUntil(1700);
      await caller.stall(stallMs);
      await caller.runUntil(ONSET_MS + sentenceMs + 2500);
      expect(caller.turns).to.have.length(1);
      expectSentence();
      expectRecorded();
    });
  }

  it('hears turns again after the thread stood still for 5 s', async () => {
    caller.send(say(sentence, { silenceMs: 6000 }, sentence, { silenceMs: 2000 }));
    await caller.runUntil(1700);
    await caller.stall(5000);
    const secondMs = ONSET_MS + sentenceMs + 6000;
    await caller.runUntil(secondMs + sentenceMs + 1500);
    const last = caller.turns.length - 1;
    expect(last).to.be.at.least(1);
    expectSentence(last, secondMs);
    expect(caller.turns[last]!.endpointingMs).to.be.within(DELAY_MS, DELAY_MS + 20);
  });

  it('is brought down by no packet, and hears the caller after them', async () => {
    let state = 3;
    const random = (below: number) =>
      Math.floor(((state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32) * below);
    const hostile = Array.from({ length: 300 }, (_, n) => ({
      sentMs: n * 10,
      arrivalMs: n * 10,
      sequence: n % 3 === 0 ? random(65_536) : n,
      timestamp: n % 2 === 0 ? random(2 ** 32) : n * 960,
      payload: Uint8Array.from({ length: random(40) }, () => random(256)),
    }));
    caller.send(hostile);
    await caller.runUntil(4000);
    const { windows } = caller;
    expect(windows, 'no more than time has passed').to.be.below(4000 / 32 + 4000 / 20);
    const turnsBefore = caller.turns.length;
    const onsetMs = 6000;
    const sound = joinSegments([{ silenceMs: 2000 }, sentence, { silenceMs: 2000 }], CALLER_RATE_HZ);
    caller.send(chromiumPackets(sound, 4000));
    await caller.runUntil(onsetMs + sentenceMs + 1500);
    expect(caller.turns).to.have.length(turnsBefore + 1);
    expectSentence(turnsBefore, onsetMs);
  });

  it('is told nothing once it is closed', async () => {
    caller.send(say(sentence, { silenceMs: 3000 }));
    await caller.runUntil(2000);
    caller.close();
    const { windows } = caller;
    await caller.runUntil(2500);
    expect(caller.windows).to.equal(windows);
  });
});
