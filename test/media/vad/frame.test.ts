import { expect } from 'chai';
import * as fc from 'fast-check';
import { FrameAssembler, WINDOW_SAMPLES } from '../../../media/vad/frame.ts';
import {
  expectOrder,
  FIRST_TIMESTAMP,
  FRAME_MS,
  FrameCaller,
  sent,
  START_MS,
  TICK_MS,
  WINDOW_MS,
} from '../../support/frame-caller.ts';

describe('FrameAssembler', () => {
  it('makes windows of 32 ms of whatever comes, sample by sample', () => {
    const caller = new FrameCaller().speak(0, 1600);
    expect(caller.windows).to.have.lengthOf(50);
    expect(caller.windows.every(({ samples }) => samples.length === WINDOW_SAMPLES)).to.equal(true);
    expect(caller.heard).to.deep.equal(sent(0, 1600));
  });

  it('scales samples to −1…1', () => {
    const { frames, windows, nowMs } = new FrameCaller();
    frames.pcm(new Int16Array(WINDOW_SAMPLES).fill(-32_768), 0, nowMs);
    frames.pcm(new Int16Array(WINDOW_SAMPLES).fill(32_767), 1536, nowMs + WINDOW_MS);
    expect(windows.map(({ samples }) => samples[0])).to.deep.equal([-1, 32_767 / 32_768]);
  });

  it('says when a window was captured, wherever it ends within a packet', () => {
    const ends = new FrameCaller().speak(0, 320).endsMs;
    for (const [index, endMs] of ends.entries()) expect(endMs).to.be.closeTo((index + 1) * WINDOW_MS, 0.5);
  });

  it('says until when everything has been fed, windows and what is left of them', () => {
    const caller = new FrameCaller();
    expect(caller.frames.capturedUntilMs).to.equal(0);
    expect(caller.speak(0, 100).frames.capturedUntilMs).to.equal(START_MS + 100);
    caller.until(1000);
    expect(caller.frames.capturedUntilMs).to.equal(caller.windows.at(-1)!.endMs);
  });

  it('takes packets of any length', () => {
    const caller = new FrameCaller();
    for (const [fromMs, toMs] of [
      [0, 10],
      [10, 70],
      [70, 190],
      [190, 195],
      [195, 256],
    ] as const) {
      caller.until(toMs).receive(fromMs, toMs);
    }
    expect(caller.heard).to.deep.equal(sent(0, 256));
  });

  describe('RTP time and the clock', () => {
    it('does not take jitter for time: windows end when they would without any', () => {
      const caller = new FrameCaller().speak(0, 10_000, (ms) => (ms % 100 === 0 ? 0 : 5 + ((ms * 7919) % 30)));
      for (const [index, endMs] of caller.endsMs.entries()) expect(endMs).to.be.closeTo((index + 1) * WINDOW_MS, 1);
      expect(caller.silentSamples).to.equal(0);
      expectOrder(caller);
    });

    it('corrects itself when the first packet was the slow one', () => {
      const caller = new FrameCaller().speak(0, 2000, (ms) => (ms === 0 ? 50 : ms === 200 ? 0 : 15));
      expect(caller.endsMs[0]).to.be.above(WINDOW_MS + 30);
      expect(caller.endsMs.at(-1)).to.be.closeTo(62 * WINDOW_MS, 3);
      expectOrder(caller);
    });

    it('follows a way that has become longer, within a second for each millisecond', () => {
      const caller = new FrameCaller().speak(0, 2000).speak(2000, 62_000, () => 35);
      expect(caller.endsMs.at(-1)).to.be.within(1937 * WINDOW_MS + 30, 1937 * WINDOW_MS + 35);
      expect(caller.silentSamples).to.equal(0);
    });

    it('follows a sound card that runs slow', () => {
      // 0.2 ms are missing in each second; the first packet is at the right time, the last one 12 ms later.
      const caller = new FrameCaller().speak(0, 60_000, (ms) => ms * 0.0002);
      expect(caller.endsMs.at(-1)).to.be.closeTo(1875 * WINDOW_MS + 12, 5);
      expect(caller.silentSamples).to.equal(0);
    });
  });

  describe('without packets', () => {
    it('has a window for each deadline, whatever the time of day', () => {
      fc.assert(
        fc.property(
          fc.double({ min: 0, max: 1e9, noNaN: true }),
          fc.integer({ min: 1, max: 320 }),
          (startMs, length) => {
            let windows = 0;
            const frames = new FrameAssembler({ onWindow: () => windows++ });
            frames.pcm(new Int16Array(length), 0, startMs);
            for (let expected = 1; expected <= 30; expected++) {
              frames.advance(frames.nextDeadlineMs);
              expect(windows).to.equal(expected);
            }
          },
        ),
      );
    });

    it('does nothing before the first', () => {
      const caller = new FrameCaller();
      expect(caller.frames.nextDeadlineMs).to.equal(Infinity);
      expect(caller.until(60_000).windows).to.deep.equal([]);
    });

    it('feeds silence by the clock, a window at a time, up to 60 ms ago', () => {
      const caller = new FrameCaller().speak(0, 320);
      expect(caller.frames.nextDeadlineMs).to.equal(START_MS + 320 + WINDOW_MS + 60);
      caller.until(320 + WINDOW_MS + 55);
      expect(caller.windows).to.have.lengthOf(10);
      caller.until(1000);
      const silent = caller.windows.slice(10);
      expect(silent).to.have.lengthOf(Math.floor((1000 - 60 - 320) / WINDOW_MS));
      for (const [index, { endMs, atMs, samples }] of silent.entries()) {
        expect(samples.every((sample) => sample === 0)).to.equal(true);
        expect(endMs - START_MS).to.be.closeTo(320 + (index + 1) * WINDOW_MS, 0.01);
        expect(atMs - endMs).to.be.within(60, 60 + TICK_MS);
      }
    });

    it('finishes a window that was begun with silence', () => {
      const caller = new FrameCaller().speak(0, 40).until(140);
      const samples = [...caller.windows[1]!.samples];
      expect(samples.map((sample) => sample * 32_768)).to.deep.equal([...sent(32, 40), ...Array<number>(384).fill(0)]);
    });

    it('stands still after 5 s, and goes on with the next packet as if it had not', () => {
      const caller = new FrameCaller().speak(0, 320).until(60_000);
      expect(caller.endsMs.at(-1)).to.be.within(5200, 5320);
      expect(caller.frames.nextDeadlineMs).to.equal(Infinity);
      const before = caller.windows.length;
      caller.speak(60_000, 60_320);
      expect(caller.windows.length - before).to.be.within(9, 10);
      expect(caller.heard).to.deep.equal([...sent(0, 320), ...sent(60_000, caller.heard.at(-1)!)]);
      expect(caller.endsMs.at(-1)).to.be.within(60_288, 60_320);
      expectOrder(caller);
    });
  });

  describe('silence that is not sent (DTX)', () => {
    it('is fed once: what the clock has fed of it is not fed again', () => {
      const caller = new FrameCaller().speak(0, 320).until(680).speak(680, 1000).until(1200);
      expect(caller.heard).to.deep.equal([...sent(0, 320), ...sent(680, 1000)]);
      const speechAgain = caller.windows.findIndex(({ samples }, index) => index >= 10 && samples.some((ms) => ms > 0));
      const silence = caller.windows.slice(0, speechAgain + 1).map(({ samples }) => samples.filter((ms) => ms === 0));
      expect(silence.reduce((sum, samples) => sum + samples.length, 0)).to.equal(360 * 16);
      for (const [index, endMs] of caller.endsMs.entries()) expect(endMs).to.be.closeTo((index + 1) * WINDOW_MS, 1);
    });

    it('is the same whether the gap is told of or shows in the timestamp', () => {
      const shown = new FrameCaller().speak(0, 320).until(700).receive(680, 700);
      const told = new FrameCaller().speak(0, 320).until(700);
      told.frames.gap(360 * 48);
      told.receive(680, 700);
      expect(told.windows).to.deep.equal(shown.windows);
      expect(told.windows.length).to.be.above(20);
    });

    it('passes at the pace of the clock with a packet in 400 ms', () => {
      const caller = new FrameCaller().speak(0, 1000);
      for (let ms = 1380; ms <= 5000; ms += 400) caller.until(ms + 20).receive(ms, ms + 20);
      caller.speak(5000, 6000);
      expect(caller.windows).to.have.lengthOf(Math.floor(6000 / WINDOW_MS));
      for (const [index, endMs] of caller.endsMs.entries()) expect(endMs).to.be.closeTo((index + 1) * WINDOW_MS, 1);
      for (const { endMs, atMs } of caller.windows) expect(atMs - endMs).to.be.below(60 + WINDOW_MS + TICK_MS);
    });

    it('is never longer than the time gone by, whatever the timestamps claim', () => {
      const caller = new FrameCaller().speak(0, 320);
      for (let packet = 0; packet < 50; packet++) {
        caller.until(340 + packet * FRAME_MS);
        caller.frames.gap(59_000 * 48);
        caller.frames.pcm(new Int16Array(320).fill(1), (packet * 7_777_777) >>> 0, caller.nowMs);
      }
      expect(caller.windows.length).to.be.at.most((320 + 50 * FRAME_MS) / WINDOW_MS + 4);
      expectOrder(caller);
    });
  });

  describe('restart', () => {
    it('takes other timestamps, while times run on', () => {
      const caller = new FrameCaller().speak(0, 1000);
      caller.frames.restart(caller.nowMs);
      for (let ms = 0; ms < 1000; ms += FRAME_MS) {
        caller.until(1000 + ms + FRAME_MS);
        caller.frames.pcm(new Int16Array(320).fill(5000), 123 + ms * 48, caller.nowMs);
      }
      expect(caller.silentSamples).to.equal(0);
      for (const [index, endMs] of caller.endsMs.entries()) expect(endMs).to.be.closeTo((index + 1) * WINDOW_MS, 1);
    });

    it('lets the clock go on until the first packet of the new stream', () => {
      const caller = new FrameCaller().speak(0, 1000);
      caller.frames.restart(caller.nowMs);
      caller.until(2000);
      expect(caller.endsMs.at(-1)).to.be.within(2000 - 60 - WINDOW_MS - TICK_MS, 2000 - 60);
      caller.frames.gap(48_000);
      caller.frames.pcm(new Int16Array(320).fill(1), 7, caller.nowMs);
      expectOrder(caller);
    });

    it('gives the clock another 5 s', () => {
      const caller = new FrameCaller().speak(0, 1000).until(5000);
      caller.frames.restart(caller.nowMs);
      expect(caller.until(20_000).endsMs.at(-1)).to.be.within(9880, 10_000);
    });

    it('begins nothing before the first packet', () => {
      const caller = new FrameCaller();
      caller.frames.restart(caller.nowMs);
      expect(caller.until(1000).windows).to.deep.equal([]);
    });

    it('happens by itself when a timestamp has nothing to do with the one before', () => {
      const caller = new FrameCaller().speak(0, 320);
      caller.until(340).frames.pcm(new Int16Array(320).fill(1), (FIRST_TIMESTAMP + 2 ** 31) >>> 0, caller.nowMs);
      expect(caller.silentSamples).to.equal(0);
      expect(caller.until(1000).endsMs.at(-1)).to.be.within(900, 940);
    });
  });
});
