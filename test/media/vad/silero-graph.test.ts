import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { rearrangeSilero, PADDED_SAMPLES, MIRRORED_SAMPLES } from '../../../media/vad/silero-graph.ts';
import { sileroModelPath } from '../../../media/vad/silero.ts';
import { fixtureSpeech } from '../../support/fixture-speech.ts';

const INPUT_SAMPLES = 576;
const WINDOW_SAMPLES = 512;

describe('the rearranged network', () => {
  let original: InferenceSession;
  let rearranged: InferenceSession;

  before(async () => {
    const options = { intraOpNumThreads: 1, interOpNumThreads: 1 };
    original = await InferenceSession.create(sileroModelPath(), options);
    rearranged = await InferenceSession.create(rearrangeSilero(await readFile(sileroModelPath())), options);
  });

  after(() => Promise.all([original.release(), rearranged.release()]));

  it("answers as the file's own does, for speech, noise and silence, however long its memory", async () => {
    const speech = await fixtureSpeech({
      text: 'Good morning, what will the weather be like today?',
      sampleRateHz: 16_000,
    });
    const rows = 3;
    let states = [new Float32Array(2 * rows * 128), new Float32Array(2 * rows * 128)];
    let noise = 1;
    const sample = (row: number, at: number): number => {
      noise = (noise * 1103515245 + 12345) % 2 ** 31;
      if (row === 0) return at < 0 ? 0 : (speech[at % speech.length] ?? 0) / 32_768;
      return row === 1 ? noise / 2 ** 31 / 5 : 0;
    };
    let heard = 0;
    for (let window = 0; window < 200; window++) {
      const input = new Float32Array(rows * INPUT_SAMPLES);
      const padded = new Float32Array(rows * PADDED_SAMPLES);
      for (let row = 0; row < rows; row++) {
        const samples = Float32Array.from({ length: INPUT_SAMPLES }, (_, at) =>
          sample(row, window * WINDOW_SAMPLES + at - 64),
        );
        const mirrored = samples.slice(-1 - MIRRORED_SAMPLES, -1).toReversed();
        input.set(samples, row * INPUT_SAMPLES);
        padded.set(samples, row * PADDED_SAMPLES);
        padded.set(mirrored, row * PADDED_SAMPLES + INPUT_SAMPLES);
      }
      const state = states.map((values) => new Tensor('float32', values, [2, rows, 128]));
      const rate = new Tensor('int64', BigInt64Array.of(16_000n), []);
      const [expected, actual] = await Promise.all([
        original.run({ input: new Tensor('float32', input, [rows, INPUT_SAMPLES]), state: state[0]!, sr: rate }),
        rearranged.run({ input: new Tensor('float32', padded, [rows, PADDED_SAMPLES]), state: state[1]! }),
      ]);
      for (let row = 0; row < rows; row++) {
        const probability = Number(expected['output']!.data[row]);
        expect(Number(actual['output']!.data[row])).to.be.closeTo(probability, 1e-4);
        if (probability > 0.5) heard++;
      }
      states = [expected, actual].map((result) => result['stateN']!.data as Float32Array<ArrayBuffer>);
    }
    expect(heard, 'windows of speech').to.be.above(50);
  });

  it('is made of Silero v6 only', () => {
    expect(() => rearrangeSilero(new Uint8Array())).to.throw(TypeError, 'no ONNX model');
    expect(() => rearrangeSilero(Uint8Array.of(0x3a, 0x00))).to.throw(TypeError, 'not Silero v6');
  });
});
