import { expect } from 'chai';
import { MAX_BATCH, Silero, sileroModelPath, SileroStream, WINDOW_SAMPLES } from '../../../media/vad/silero.ts';
import { MAX_WAITING, VadBatcher, VadStream } from '../../../media/vad/vad-batcher.ts';
import { eventually } from '../../support/eventually.ts';
import { fixtureSpeech } from '../../support/fixture-speech.ts';
import { noise, VAD_RATE_HZ, vadWindows } from '../../support/vad-windows.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

type Verdict = { probability: number; endMs: number; queuedMs: number };

/** The real model, with a note of what ran together. */
class WatchedModel {
  readonly runs: SileroStream[][] = [];
  failing = false;
  /** Told before each run. */
  onRun = (): void => undefined;
  readonly #silero: Silero;

  constructor(silero: Silero) {
    this.#silero = silero;
  }

  async run(...run: Parameters<Silero['run']>): Promise<void> {
    if (this.failing) throw new Error('the model has failed');
    this.runs.push([...run[0]]);
    this.onRun();
    await this.#silero.run(...run);
  }
}

describe('VadBatcher', () => {
  let silero: Silero;
  let speech: Float32Array[];
  let clock: VirtualClock;
  let model: WatchedModel;
  let faults: unknown[];
  let batcher: VadBatcher;

  before(async () => {
    silero = await Silero.load(sileroModelPath());
    speech = vadWindows(await fixtureSpeech({ text: 'One, two, three, four, five.', sampleRateHz: VAD_RATE_HZ }));
  });

  after(() => silero.close());

  beforeEach(() => {
    clock = new VirtualClock();
    model = new WatchedModel(silero);
    faults = [];
    batcher = new VadBatcher(model, clock.nowMs, (fault) => faults.push(fault));
  });

  afterEach(() => batcher.close());

  function listen(): { stream: VadStream; verdicts: Verdict[] } {
    const verdicts: Verdict[] = [];
    const stream = new VadStream((probability, endMs, queuedMs) => verdicts.push({ probability, endMs, queuedMs }));
    return { stream, verdicts };
  }

  async function alone(windows: readonly Float32Array[]): Promise<number[]> {
    const stream = new SileroStream();
    const probability = new Float32Array(1);
    const probabilities: number[] = [];
    for (const window of windows) {
      await silero.run([stream], window, 1, probability);
      probabilities.push(probability[0]!);
    }
    return probabilities;
  }

  it('answers each window with its own times', async () => {
    const { stream, verdicts } = listen();
    const queuedMs = clock.nowMs();
    batcher.add(stream, speech[0]!, 1234);
    clock.advance(5);
    await eventually(() => verdicts.length === 1);
    expect(verdicts[0]).to.include({ endMs: 1234, queuedMs });
    expect(verdicts[0]!.probability).to.be.within(0, 1);
  });

  it('takes no more of a stream than it can keep up with, and all of the others', async () => {
    const [hasty, honest] = [listen(), listen()];
    for (let index = 0; index < 2 * MAX_WAITING; index++) batcher.add(hasty.stream, speech[0]!, index);
    batcher.add(honest.stream, speech[0]!, 1);
    expect(batcher.waiting).to.equal(MAX_WAITING + 1);
    await eventually(() => (clock.advance(5), honest.stream.waiting + hasty.stream.waiting === 0));
    expect([hasty.verdicts.length, honest.verdicts.length]).to.deep.equal([MAX_WAITING, 1]);
    batcher.add(hasty.stream, speech[0]!, 1);
    await eventually(() => (clock.advance(5), hasty.verdicts.length === MAX_WAITING + 1));
  });

  it('copies what it is given, for the assembler uses its window again', async () => {
    const { stream, verdicts } = listen();
    const window = Float32Array.from(speech[10]!);
    for (const next of speech.slice(0, 10)) batcher.add(stream, next, 0);
    batcher.add(stream, window, 0);
    window.fill(0);
    await eventually(() => verdicts.length === 11);
    expect(verdicts[10]!.probability).to.be.closeTo((await alone(speech.slice(0, 11)))[10]!, 1e-4);
  });

  it('judges mixed streams as if each were alone, in order, and never two windows of one in a run', async () => {
    const callers = Array.from({ length: MAX_BATCH + 8 }, (_, index) => {
      const windows =
        index % 2 === 0
          ? speech.slice(index % 7, (index % 7) + 3 + (index % 6))
          : vadWindows(noise(4 * WINDOW_SAMPLES, 50 * index, index));
      return { ...listen(), windows };
    });
    // One caller's burst and all others' windows in between.
    for (let turn = 0; turn < 10; turn++) {
      for (const { stream, windows } of callers) {
        const window = windows[turn];
        if (window) batcher.add(stream, window, turn);
      }
    }
    await eventually(() => callers.every(({ verdicts, windows }) => verdicts.length === windows.length));
    for (const { verdicts, windows } of callers) {
      expect(verdicts.map(({ endMs }) => endMs)).to.deep.equal(windows.map((_, turn) => turn));
      const expected = await alone(windows);
      for (const [turn, { probability }] of verdicts.entries()) {
        expect(probability).to.be.closeTo(expected[turn]!, 1e-4);
      }
    }
    for (const run of model.runs) {
      expect(run).to.have.length.within(1, MAX_BATCH);
      expect(new Set(run).size, 'each stream once').to.equal(run.length);
    }
    const windows = callers.reduce((sum, caller) => sum + caller.windows.length, 0);
    expect(batcher).to.include({ windows, runs: model.runs.length, waiting: 0 });
    expect(model.runs.length, 'they share their runs').to.be.below(windows / 10);
  });

  it('goes on with every stream after a run that failed', async () => {
    const [first, second] = [listen(), listen()];
    model.failing = true;
    batcher.add(first.stream, speech[0]!, 1);
    batcher.add(second.stream, speech[0]!, 1);
    await eventually(() => faults.length === 1);
    model.failing = false;
    batcher.add(first.stream, speech[1]!, 2);
    batcher.add(second.stream, speech[1]!, 2);
    await eventually(() => first.verdicts.length === 1 && second.verdicts.length === 1);
    expect(batcher.waiting).to.equal(0);
  });

  it('counts the windows that a stream waits for, also through a run that fails', async () => {
    const { stream, verdicts } = listen();
    batcher.add(stream, speech[0]!, 1);
    batcher.add(stream, speech[1]!, 2);
    expect(stream.waiting).to.equal(2);
    await eventually(() => verdicts.length === 2);
    expect(stream.waiting).to.equal(0);
    model.failing = true;
    batcher.add(stream, speech[2]!, 3);
    await eventually(() => faults.length === 1);
    await eventually(() => stream.waiting === 0);
  });

  it('answers the others when one of those it tells fails', async () => {
    const failing = new VadStream(() => {
      throw new Error('a call has failed');
    });
    const { stream, verdicts } = listen();
    batcher.add(failing, speech[0]!, 1);
    batcher.add(stream, speech[0]!, 1);
    await eventually(() => verdicts.length === 1);
    expect(faults).to.have.length(1);
  });

  it('tells a closed stream nothing, and wastes no run on it', async () => {
    const [gone, stays] = [listen(), listen()];
    batcher.add(gone.stream, speech[0]!, 1);
    batcher.add(stays.stream, speech[0]!, 1);
    gone.stream.closed = true;
    await eventually(() => stays.verdicts.length === 1);
    expect(model.runs.flat()).to.deep.equal([stays.stream.silero]);
    expect(gone.verdicts).to.deep.equal([]);
  });

  it('passes windows over when more come than it can judge, in order, and judges all again when it can', async () => {
    const callers = Array.from({ length: 4 }, listen);
    let windows = 0;
    const addAll = () => {
      windows++;
      for (const { stream } of callers) batcher.add(stream, speech[windows % speech.length]!, windows);
    };
    // A run takes as long as two windows last: half of them is too much.
    model.onRun = () => {
      for (let half = 0; half < 2; half++) {
        clock.advance(32);
        addAll();
      }
    };
    addAll();
    await eventually(() => model.runs.length >= 150);
    const answeredLate = callers[0]!.stream.waiting;
    model.onRun = () => clock.advance(1);
    await eventually(() => (clock.advance(1), batcher.waiting === 0));
    expect(answeredLate, 'windows of a stream that waited, of 300 that came').to.be.below(40);
    expect(batcher.skipped).to.be.above(300);
    for (const { verdicts } of callers) {
      expect(verdicts.map(({ endMs }) => endMs)).to.deep.equal(
        Array.from({ length: windows }, (_, index) => index + 1),
      );
    }
    const skippedBefore = batcher.skipped;
    for (let turn = 0; turn < 60; turn++) {
      addAll();
      clock.advance(32);
      await eventually(() => batcher.waiting === 0 && callers.every(({ stream }) => stream.waiting === 0));
    }
    expect(batcher.skipped).to.equal(skippedBefore);
  });

  it('judges all of a burst', async () => {
    const { stream, verdicts } = listen();
    model.onRun = () => clock.advance(2);
    for (let index = 0; index < MAX_WAITING; index++) batcher.add(stream, speech[index % speech.length]!, index);
    await eventually(() => (clock.advance(0.1), verdicts.length === MAX_WAITING));
    expect(batcher.skipped).to.equal(0);
  });

  it('runs nothing once it is closed', async () => {
    const { stream, verdicts } = listen();
    batcher.add(stream, speech[0]!, 1);
    batcher.close();
    batcher.add(stream, speech[1]!, 2);
    batcher.close();
    // The run that was about to begin would have done so by then.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(model.runs).to.deep.equal([]);
    expect(verdicts).to.deep.equal([]);
    expect(batcher.waiting).to.equal(0);
  });
});
