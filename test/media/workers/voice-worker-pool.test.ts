import { BroadcastChannel } from 'node:worker_threads';
import { expect } from 'chai';
import { compileFlite } from '../../../media/providers/flite-module.ts';
import { sileroModelPath } from '../../../media/vad/silero.ts';
import type { VoiceWorkerData } from '../../../media/workers/voice-protocol.ts';
import { VoiceWorkerPool } from '../../../media/workers/voice-worker-pool.ts';
import { eventually } from '../../support/eventually.ts';
import type { Fate } from '../../support/mortal-voice-worker.ts';

describe('VoiceWorkerPool', function () {
  this.timeout(30_000);
  let data: Omit<VoiceWorkerData, 'index'>;
  let pool: VoiceWorkerPool;
  let told: string[];
  let channel: BroadcastChannel;

  before(async () => {
    data = { heartbeatMs: 200, rateHz: 24_000, sileroPath: sileroModelPath(), flite: await compileFlite() };
  });

  beforeEach(async () => {
    told = [];
    channel = new BroadcastChannel('parley-test-fate');
    pool = await VoiceWorkerPool.start({
      size: 2,
      data,
      entry: new URL('../../support/mortal-voice-worker.ts', import.meta.url),
      events: {
        onMessage: () => undefined,
        onLost: (index, reason) => void told.push(`lost ${index}: ${reason}`),
        onReplaced: (index) => void told.push(`replaced ${index}`),
      },
    });
  });

  afterEach(async () => {
    channel.close();
    await pool.close();
  });

  const strike = (fate: Fate) => channel.postMessage(fate);

  it('gives a call to the worker with the fewest', () => {
    pool.assign(0, 'first');
    expect(pool.leastLoaded()).to.equal(1);
    pool.assign(1, 'second');
    pool.assign(1, 'third');
    expect(pool.leastLoaded()).to.equal(0);
    pool.release(1, 'second');
    pool.release(1, 'third');
    expect(pool.leastLoaded()).to.equal(1);
  });

  it('replaces a worker that exits; the process and the other worker go on', async () => {
    const other = pool.thread(1);
    strike({ index: 0, fate: 'exit' });
    await eventually(() => told.length === 2);
    expect(told).to.deep.equal(['lost 0: it ended', 'replaced 0']);
    expect(pool.thread(1)).to.equal(other);
    expect((await pool.thread(0).measure()).calls).to.equal(0);
  });

  describe('with a spare worker', () => {
    let spared: VoiceWorkerPool;
    let replaced: string[];

    beforeEach(async () => {
      replaced = [];
      spared = await VoiceWorkerPool.start({
        size: 1,
        data,
        entry: new URL('../../support/mortal-voice-worker.ts', import.meta.url),
        spareAfterMs: 1,
        events: {
          onMessage: (index) => expect(index, 'nothing is told of one without a place').to.equal(0),
          onLost: () => undefined,
          onReplaced: (index) =>
            void replaced.push(`${index}, ${spared.hasSpare ? 'one is left' : 'it was the spare one'}`),
        },
      });
      await eventually(() => spared.hasSpare, 15_000);
    });

    afterEach(() => spared.close());

    it('puts it into the place of one that exits, and starts another', async () => {
      strike({ index: 0, fate: 'exit' });
      await eventually(() => replaced.length === 1, 15_000);
      expect(replaced).to.deep.equal(['0, it was the spare one']);
      expect((await spared.thread(0).measure()).calls).to.equal(0);
      await eventually(() => spared.hasSpare, 15_000);
    });

    it('puts it there while it still starts', async () => {
      spared.thread(0).kill('the test wants it');
      await eventually(() => replaced.length === 1, 15_000);
      await new Promise((resolve) => setTimeout(resolve, 50));
      spared.thread(0).kill('the test wants it again');
      await eventually(() => replaced.length === 2, 15_000);
      strike({ index: 0, fate: 'exit' });
      await eventually(() => replaced.length === 3, 15_000);
    });

    it('watches it in its place as any other', async () => {
      spared.thread(0).kill('the test wants it');
      await eventually(() => replaced.length === 1, 15_000);
      strike({ index: 0, fate: 'hang' });
      await eventually(() => replaced.length === 2, 15_000);
    });

    it('starts another in the place of one that hangs while it waits', async () => {
      strike({ index: undefined, fate: 'hang' });
      await eventually(() => !spared.hasSpare, 15_000);
      await eventually(() => spared.hasSpare, 15_000);
      expect(spared.restarts, 'of those with a place').to.equal(0);
    });

    it('starts another in the place of one that exits while it waits', async () => {
      strike({ index: undefined, fate: 'exit' });
      await eventually(() => !spared.hasSpare, 15_000);
      await eventually(() => spared.hasSpare, 15_000);
      expect(spared.restarts, 'of those with a place').to.equal(0);
    });
  });

  it('replaces a worker that does not answer', async () => {
    strike({ index: 1, fate: 'hang' });
    await eventually(() => told.at(-1) === 'replaced 1');
    expect(told[0]).to.match(/^lost 1: it did not answer for \d+ ms$/);
  });

  it('gives no call to a worker that is being replaced', async () => {
    pool.assign(1, 'a call');
    strike({ index: 0, fate: 'exit' });
    await eventually(() => told.length === 1);
    expect(pool.leastLoaded()).to.equal(1);
    await eventually(() => told.length === 2);
    expect(pool.leastLoaded()).to.equal(0);
  });

  it('gives no new call to a worker that has more to do than it can, until it has time again', async () => {
    pool.assign(1, 'a call');
    strike({ index: 0, fate: 'busy' });
    await eventually(() => pool.withRoom === 1, 15_000);
    expect(pool.leastLoaded()).to.equal(1);
    expect(pool.leastLoaded(true), 'one that has nowhere else to go').to.equal(0);
    strike({ index: 0, fate: 'calm' });
    await eventually(() => pool.withRoom === 2, 15_000);
    expect(pool.leastLoaded()).to.equal(0);
    expect(told, 'overloaded is not dead').to.deep.equal([]);
  });

  it('says what is wrong when a worker cannot be started, and leaves none running', async () => {
    const events = { onMessage: () => undefined, onLost: () => undefined, onReplaced: () => undefined };
    const broken = { size: 1, data: { ...data, sileroPath: '/nowhere/silero.onnx' }, events };
    const outcome = await VoiceWorkerPool.start(broken).catch((error: unknown) => error);
    expect(outcome).to.include({ code: 'voice_worker_unavailable' });
    expect((outcome as Error).message).to.include('silero.onnx');
  });

  describe('with workers that hang before they are ready', () => {
    const HANG = 'PARLEY_TEST_HANG_AT_START';
    const entry = new URL('../../support/hanging-voice-worker.ts', import.meta.url);
    const noting = () => ({
      onMessage: () => undefined,
      onLost: (index: number) => void told.push(`lost ${index}`),
      onReplaced: (index: number) => void told.push(`replaced ${index}`),
    });

    afterEach(() => {
      delete process.env[HANG];
    });

    it('says at the start that they cannot be started', async () => {
      process.env[HANG] = '1';
      const outcome = await VoiceWorkerPool.start({ size: 1, data, entry, startLimitMs: 500, events: noting() }).catch(
        (error: unknown) => error,
      );
      expect(outcome).to.include({ code: 'voice_worker_unavailable' });
      expect((outcome as Error).message).to.include('not ready within 500 ms');
    });

    it('ends a replacement that hangs, and starts another', async () => {
      const hanging = await VoiceWorkerPool.start({ size: 1, data, entry, startLimitMs: 6000, events: noting() });
      try {
        process.env[HANG] = '1';
        hanging.thread(0).kill('the test wants it');
        await eventually(() => hanging.restarts === 1);
        await eventually(() => hanging.restarts === 2, 30_000);
        delete process.env[HANG];
        await eventually(() => told.length === 2, 30_000);
        expect(told).to.deep.equal(['lost 0', 'replaced 0']);
      } finally {
        await hanging.close();
      }
    });
  });

  it('closes in good order, twice over', async () => {
    await Promise.all([pool.close(), pool.close()]);
    expect(told).to.deep.equal([]);
  });
});
