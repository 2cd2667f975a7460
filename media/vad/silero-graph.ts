/**
 * Silero's network for 16 kHz, rearranged: the same weights in the same places, but every convolution is one product
 * of matrices over all windows of a batch. onnxruntime runs the file's own convolutions window by window, over 4, 2 and
 * 1 positions, which leaves most of a vector unit idle; in batches of 16 or more this form takes less than a third of
 * the time. Its answers differ in the fifth decimal, as sums do that are added up in another order.
 *
 * A window of 640 samples (512, 64 before them, and the last 64 mirrored) → 4 spectra of 129 magnitudes → four layers
 * that narrow them to 128 numbers → an LSTM of 128 units → one probability.
 */
import { OnnxWriter, readFloatConstants } from './onnx-file.ts';

/** Samples of a window with its context, and with the mirrored samples that the file's own network pads by itself. */
export const PADDED_SAMPLES = 640;
/** Samples mirrored behind the window: the last one is the mirror and is not repeated. */
export const MIRRORED_SAMPLES = 64;

const HOP = 128;
const FRAME = 256;
const BINS = 129;
const UNITS = 128;
/** Where the weights of the 16 kHz network lie in the file. */
const BRANCH = 'If_0_then_branch__Inline_0__';

/** @param original the bytes of `silero_vad_v6.onnx` @throws {TypeError} when they are of another model */
export function rearrangeSilero(original: Uint8Array): Uint8Array {
  const constants = readFloatConstants(original);
  const weights = (name: string, size: number): Float32Array => {
    const found = constants.get(`${BRANCH}${name}`);
    if (found?.length !== size) throw new TypeError(`this is not Silero v6: ${name} is missing or of another size`);
    return found;
  };
  const graph = new Rearranged(weights);
  return graph.build();
}

type Weights = (name: string, size: number) => Float32Array;

class Rearranged {
  readonly #weights: Weights;
  readonly #out = new OnnxWriter();

  constructor(weights: Weights) {
    this.#weights = weights;
  }

  build(): Uint8Array {
    const out = this.#out;
    const spectra = this.#spectra('input');
    const wide = this.#layer(0, this.#neighbours(spectra), BINS, 128, [0, 1, 2]);
    const halved = this.#layer(1, this.#everySecond(wide), 128, 64, [0, 1, 2]);
    // Of two positions and of one, the outermost weights would only meet padding.
    const whole = this.#layer(2, this.#reshape(halved, 128), 64, 64, [1, 2]);
    const features = this.#layer(3, whole, 64, 128, [1]);
    const hidden = this.#remember(features);
    const probability = out.add('Gemm', [
      out.add('Relu', [hidden]),
      out.floats([UNITS, 1], this.#weights('decoder.decoder.2.weight', UNITS)),
      out.floats([1], this.#weights('decoder.decoder.2.bias', 1)),
    ]);
    out.add('Sigmoid', [probability], {}, 'output');
    return out.model(
      [
        { name: 'input', dimensions: ['windows', PADDED_SAMPLES] },
        { name: 'state', dimensions: [2, 'windows', UNITS] },
      ],
      [
        { name: 'output', dimensions: ['windows', 1] },
        { name: 'stateN', dimensions: [2, 'windows', UNITS] },
      ],
    );
  }

  /** Magnitudes of 4 overlapping frames: rows of windows × 4. */
  #spectra(input: string): string {
    const out = this.#out;
    const hops = this.#reshape(input, PADDED_SAMPLES / HOP, HOP);
    const frames = out.add('Concat', [this.#positions(hops, 0, 4), this.#positions(hops, 1, 5)], { axis: 2 });
    const rows = this.#reshape(frames, FRAME);
    const basis = this.#weights('stft.forward_basis_buffer', 2 * BINS * FRAME);
    const squares = [0, BINS].map((first) => {
      const part = matrix(FRAME, BINS, (sample, bin) => basis[(first + bin) * FRAME + sample]!);
      const values = out.add('MatMul', [rows, out.floats([FRAME, BINS], part)]);
      return out.add('Mul', [values, values]);
    });
    return out.add('Sqrt', [out.add('Add', squares)]);
  }

  /** Each of the 4 positions beside the one before and the one after it. */
  #neighbours(rows: string): string {
    const padded = this.#pad(this.#reshape(rows, 4, BINS), 1, 1);
    const beside = [0, 1, 2].map((first) => this.#positions(padded, first, first + 4));
    return this.#reshape(this.#out.add('Concat', beside, { axis: 2 }), 3 * BINS);
  }

  /** Two of the 4 positions, each with its neighbours. */
  #everySecond(rows: string): string {
    const padded = this.#pad(this.#reshape(rows, 4, 128), 1, 0);
    const groups = [0, 2].map((first) => this.#reshape(this.#positions(padded, first, first + 3), 1, 3 * 128));
    return this.#reshape(this.#out.add('Concat', groups, { axis: 1 }), 3 * 128);
  }

  /** A convolution as a product, and its activation. @param taps the weights of its three that meet no padding */
  #layer(index: number, rows: string, inputs: number, outputs: number, taps: readonly number[]): string {
    const name = `encoder.${index}.reparam_conv`;
    const original = this.#weights(`${name}.weight`, outputs * inputs * 3);
    const height = taps.length * inputs;
    const values = matrix(height, outputs, (row, column) => {
      const tap = taps[Math.floor(row / inputs)]!;
      return original[(column * inputs + (row % inputs)) * 3 + tap]!;
    });
    const out = this.#out;
    const bias = out.floats([outputs], this.#weights(`${name}.bias`, outputs));
    return out.add('Relu', [out.add('Gemm', [rows, out.floats([height, outputs], values), bias])]);
  }

  /** One step of the LSTM. @returns the hidden units; writes `stateN` */
  #remember(features: string): string {
    const out = this.#out;
    const [hidden, cell] = [0, 1].map((half) => this.#reshape(this.#slice('state', half, half + 1, 0), UNITS));
    const inputs = out.add('Concat', [features, hidden!], { axis: 1 });
    const { values, bias } = this.#gateWeights();
    const gates = out.add('Gemm', [inputs, out.floats([2 * UNITS, 4 * UNITS], values), out.floats([4 * UNITS], bias)]);
    const gate = (from: string, index: number) => this.#slice(from, index * UNITS, (index + 1) * UNITS, 1);
    const open = out.add('Sigmoid', [this.#slice(gates, 0, 3 * UNITS, 1)]);
    const candidate = out.add('Tanh', [gate(gates, 3)]);
    const kept = out.add('Mul', [gate(open, 1), cell!]);
    const nextCell = out.add('Add', [kept, out.add('Mul', [gate(open, 0), candidate])]);
    const nextHidden = out.add('Mul', [gate(open, 2), out.add('Tanh', [nextCell])]);
    const axis = out.integers(0);
    const halves = [nextHidden, nextCell].map((half) => out.add('Unsqueeze', [half, axis]));
    out.add('Concat', halves, { axis: 0 }, 'stateN');
    return nextHidden;
  }

  /** Gates in the order input, forget, output, candidate, so that the three sigmoids are one; the file has i, f, c, o. */
  #gateWeights(): { values: Float32Array; bias: Float32Array } {
    const size = 4 * UNITS * UNITS;
    const ofInput = this.#weights('decoder.rnn.weight_ih', size);
    const ofHidden = this.#weights('decoder.rnn.weight_hh', size);
    const inputBias = this.#weights('decoder.rnn.bias_ih', 4 * UNITS);
    const hiddenBias = this.#weights('decoder.rnn.bias_hh', 4 * UNITS);
    const source = (column: number) => [0, 1, 3, 2][Math.floor(column / UNITS)]! * UNITS + (column % UNITS);
    const values = matrix(2 * UNITS, 4 * UNITS, (row, column) => {
      const from = row < UNITS ? ofInput : ofHidden;
      return from[source(column) * UNITS + (row % UNITS)]!;
    });
    const bias = matrix(1, 4 * UNITS, (_row, column) => inputBias[source(column)]! + hiddenBias[source(column)]!);
    return { values, bias };
  }

  /** Rows of the last of `sizes`; whatever is left over is in front. */
  #reshape(value: string, ...sizes: number[]): string {
    return this.#out.add('Reshape', [value, this.#out.integers(-1, ...sizes)]);
  }

  #positions(value: string, from: number, to: number): string {
    return this.#slice(value, from, to, 1);
  }

  #slice(value: string, from: number, to: number, axis: number): string {
    const out = this.#out;
    return out.add('Slice', [value, out.integers(from), out.integers(to), out.integers(axis)]);
  }

  /** Zeros before and after the positions. */
  #pad(value: string, before: number, after: number): string {
    return this.#out.add('Pad', [value, this.#out.integers(0, before, 0, 0, after, 0)]);
  }
}

function matrix(rows: number, columns: number, value: (row: number, column: number) => number): Float32Array {
  return Float32Array.from({ length: rows * columns }, (_, at) => value(Math.floor(at / columns), at % columns));
}
