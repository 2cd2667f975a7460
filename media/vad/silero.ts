/**
 * Silero VAD (v6, MIT, https://github.com/snakers4/silero-vad) over windows of 512 samples at 16 kHz, for many streams
 * in one run. The model wants the 64 samples before a window in front of it; without them it answers almost nothing.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { enterNative, leaveNative } from '../runtime/native-calls.ts';
import { MIRRORED_SAMPLES, PADDED_SAMPLES, rearrangeSilero } from './silero-graph.ts';

export const WINDOW_SAMPLES = 512;
const CONTEXT_SAMPLES = 64;
const STATE_UNITS = 128;
/** Windows of one run. Beyond 16 a window costs the same, so a longer batch only makes its first member wait. */
export const MAX_BATCH = 64;

/** onnxruntime-node calls its native code in a `setImmediate` of its own: this one comes right before it. */
function beginNative(): void {
  setImmediate(enterNative);
}

/** What the model remembers of one stream: two layers of state, and the end of the last window. About 1.3 kB. */
export class SileroStream {
  readonly state = new Float32Array(2 * STATE_UNITS);
  readonly context = new Float32Array(CONTEXT_SAMPLES);

  reset(): void {
    this.state.fill(0);
    this.context.fill(0);
  }
}

/** Where the npm package `@ricky0123/vad-web` keeps the model file. */
export function sileroModelPath(): string {
  const require = createRequire(import.meta.url);
  return join(dirname(require.resolve('@ricky0123/vad-web/package.json')), 'dist', 'silero_vad_v6.onnx');
}

export class Silero {
  readonly #session: InferenceSession;
  readonly #input = new Float32Array(MAX_BATCH * PADDED_SAMPLES);
  readonly #states = new Float32Array(2 * MAX_BATCH * STATE_UNITS);
  #inFlight: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  static async load(path: string): Promise<Silero> {
    const network = rearrangeSilero(await readFile(path));
    beginNative();
    try {
      const session = await InferenceSession.create(network, {
        // More threads than one cost more in handing over than a window of this size saves.
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        graphOptimizationLevel: 'all',
      });
      return new Silero(session);
    } finally {
      leaveNative();
    }
  }

  /**
   * Runs `count` windows (at most MAX_BATCH), row i of `windows` (512 samples each, −1…1) belonging to `streams[i]`,
   * whose state moves on. Writes the probabilities of speech, 0…1, to `probabilities`.
   */
  async run(
    streams: readonly SileroStream[],
    windows: Float32Array,
    count: number,
    probabilities: Float32Array,
  ): Promise<void> {
    if (this.#closed) throw new Error('the speech model has been closed');
    this.#gather(streams, windows, count);
    beginNative();
    const run = this.#session.run({
      input: new Tensor('float32', this.#input.subarray(0, count * PADDED_SAMPLES), [count, PADDED_SAMPLES]),
      state: new Tensor('float32', this.#states.subarray(0, 2 * count * STATE_UNITS), [2, count, STATE_UNITS]),
    });
    this.#inFlight = run;
    const result = await run.finally(leaveNative);
    probabilities.set(result['output']!.data as Float32Array);
    const next = result['stateN']!.data as Float32Array;
    for (let row = 0; row < count; row++) {
      const state = streams[row]!.state;
      for (let unit = 0; unit < STATE_UNITS; unit++) {
        state[unit] = next[row * STATE_UNITS + unit]!;
        state[STATE_UNITS + unit] = next[(count + row) * STATE_UNITS + unit]!;
      }
    }
  }

  /** Frees the model's memory, when the run under way has ended. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#inFlight.catch(() => undefined).then(() => this.#session.release());
    return this.#closed;
  }

  #gather(streams: readonly SileroStream[], windows: Float32Array, count: number): void {
    for (let row = 0; row < count; row++) {
      const { state, context } = streams[row]!;
      const window = windows.subarray(row * WINDOW_SAMPLES, (row + 1) * WINDOW_SAMPLES);
      this.#input.set(context, row * PADDED_SAMPLES);
      this.#input.set(window, row * PADDED_SAMPLES + CONTEXT_SAMPLES);
      const end = row * PADDED_SAMPLES + CONTEXT_SAMPLES + WINDOW_SAMPLES;
      for (let sample = 0; sample < MIRRORED_SAMPLES; sample++) {
        this.#input[end + sample] = this.#input[end - 2 - sample]!;
      }
      context.set(window.subarray(WINDOW_SAMPLES - CONTEXT_SAMPLES));
      for (let unit = 0; unit < STATE_UNITS; unit++) {
        this.#states[row * STATE_UNITS + unit] = state[unit]!;
        this.#states[(count + row) * STATE_UNITS + unit] = state[STATE_UNITS + unit]!;
      }
    }
  }
}
