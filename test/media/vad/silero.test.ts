import { expect } from 'chai';
import { MAX_BATCH, Silero, sileroModelPath, SileroStream, WINDOW_SAMPLES } from '../../../media/vad/silero.ts';
import { fixtureSpeech } from '../../support/fixture-speech.ts';
import { noise, VAD_RATE_HZ, vadWindows } from '../../support/vad-windows.ts';

const SENTENCE = 'The quick brown fox jumps over the lazy dog, and nobody minds.';

describe('Silero', () => {
  let silero: Silero;
  let speech: Int16Array;

  before(async () => {
    silero = await Silero.load(sileroModelPath());
    speech = await fixtureSpeech({ text: SENTENCE, sampleRateHz: VAD_RATE_HZ });
  });

  after(() => silero.close());

  /** The probabilities of one stream, run by itself. */
  async function judge(windows: readonly Float32Array[], stream = new SileroStream()): Promise<number[]> {
    const probability = new Float32Array(1);
    const probabilities: number[] = [];
    for (const window of windows) {
      await silero.run([stream], window, 1, probability);
      probabilities.push(probability[0]!);
    }
    return probabilities;
  }

  const share = (probabilities: number[]) => probabilities.filter((p) => p >= 0.5).length / probabilities.length;

  it('finds speech, of every voice', async () => {
    expect(share(await judge(vadWindows(speech)))).to.be.above(0.85);
    for (const voice of ['rms', 'awb'] as const) {
      const other = await fixtureSpeech({ text: SENTENCE, voice, sampleRateHz: VAD_RATE_HZ });
      expect(share(await judge(vadWindows(other))), voice).to.be.above(0.75);
    }
  });

  it('finds none in silence, noise or a tone', async () => {
    const seconds = 3 * VAD_RATE_HZ;
    const tone = Int16Array.from({ length: seconds }, (_, n) => 8000 * Math.sin((2 * Math.PI * 440 * n) / VAD_RATE_HZ));
    for (const sound of [new Int16Array(seconds), noise(seconds, 300), noise(seconds, 5000), tone]) {
      expect(share(await judge(vadWindows(sound)))).to.equal(0);
    }
  });

  it('finds the end of speech within a few windows', async () => {
    const probabilities = await judge([...vadWindows(speech), ...vadWindows(new Int16Array(VAD_RATE_HZ))]);
    const spoken = Math.floor(speech.length / WINDOW_SAMPLES);
    expect(share(probabilities.slice(spoken + 6))).to.equal(0);
  });

  it('says of many streams in one run what it says of each alone', async () => {
    const windows = vadWindows(speech);
    const streams = Array.from({ length: MAX_BATCH }, () => new SileroStream());
    // Each stream is in another place of the sentence, or hears something else.
    const heard = streams.map((_, index) =>
      index % 3 === 0
        ? vadWindows(noise(20 * WINDOW_SAMPLES, 100 * index + 1, index + 1))
        : windows.slice(index % 17, 20 + (index % 17)),
    );
    const together = streams.map((): number[] => []);
    const batch = new Float32Array(MAX_BATCH * WINDOW_SAMPLES);
    const probabilities = new Float32Array(MAX_BATCH);
    for (let turn = 0; turn < 20; turn++) {
      for (const [row, own] of heard.entries()) batch.set(own[turn]!, row * WINDOW_SAMPLES);
      await silero.run(streams, batch, MAX_BATCH, probabilities);
      for (const [row, own] of together.entries()) own.push(probabilities[row]!);
    }
    for (const [row, own] of together.entries()) {
      const alone = await judge(heard[row]!);
      for (const [turn, probability] of own.entries()) {
        expect(probability, `stream ${row}, window ${turn}`).to.be.closeTo(alone[turn]!, 1e-4);
      }
    }
  });

  it('begins anew with a stream that is reset', async () => {
    const windows = vadWindows(speech).slice(0, 20);
    const stream = new SileroStream();
    const first = await judge(windows, stream);
    expect(await judge(windows, stream), 'remembered').to.not.deep.equal(first);
    stream.reset();
    expect(await judge(windows, stream)).to.deep.equal(first);
  });

  it('closes when the run under way has ended, and runs no more', async () => {
    const other = await Silero.load(sileroModelPath());
    const probability = new Float32Array(1);
    const window = new Float32Array(WINDOW_SAMPLES);
    const run = other.run([new SileroStream()], window, 1, probability);
    const closed = other.close();
    await run;
    await closed;
    await other.close();
    const late = await other.run([new SileroStream()], window, 1, probability).catch((error: Error) => error.message);
    expect(late).to.match(/closed/);
  });
});
