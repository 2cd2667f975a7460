import { expect } from 'chai';
import * as fc from 'fast-check';
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

describe('FrameAssembler on a network', () => {
  describe('packets that come late', () => {
    it('are fed after the silence that the clock has fed in their place', () => {
      const caller = new FrameCaller()
        .speak(0, 320)
        .speak(320, 1000, (ms) => (ms === 320 ? 150 : 0))
        .until(1100);
      expect(caller.heard).to.deep.equal(sent(0, 1000));
      expect(caller.silentSamples).to.be.above(0);
      expectOrder(caller);
    });

    it('put the times right again, without another gap', () => {
      const caller = new FrameCaller().speak(0, 320).speak(320, 3000, (ms) => (ms === 320 ? 150 : 0));
      const last = caller.windows.at(-1)!;
      const lastCapturedMs = last.samples.at(-1)! * 32_768;
      expect(last.endMs - START_MS).to.be.closeTo(lastCapturedMs, 1);
    });

    it('do not tear a voice apart whose way has become 200 ms longer', () => {
      const caller = new FrameCaller().speak(0, 1000).speak(1000, 3000, () => 200);
      expect(caller.heard).to.deep.equal(sent(0, caller.heard.at(-1)!));
      const torn = caller.windows.filter(({ samples }) => samples.includes(0));
      expect(torn.length, 'windows with silence in them').to.be.at.most(7);
      const last = caller.windows.at(-1)!;
      expect(last.endMs - START_MS - last.samples.at(-1)! * 32_768).to.be.within(96, 200);
      expectOrder(caller);
    });

    it('do not have their place taken by the clock while the delay grows from packet to packet', () => {
      const delaysMs = [0, 0, 43, 60];
      expect(new FrameCaller().speak(0, 400, (ms) => delaysMs[ms / FRAME_MS] ?? 0).silentSamples).to.equal(0);
    });

    it('do not have their place taken by the clock while the jitter is below 40 ms', () => {
      const caller = new FrameCaller().speak(0, 10_000, (ms) => (ms * 7919) % 40);
      expect(caller.silentSamples).to.equal(0);
    });
  });

  describe('audio made up for a loss', () => {
    const conceal = (caller: FrameCaller, fromMs: number) =>
      caller.frames.concealed(new Int16Array(320).fill(30_000), (FIRST_TIMESTAMP + fromMs * 48) >>> 0, caller.nowMs);
    const concealed = (caller: FrameCaller) => caller.heard.filter((ms) => ms === 30_000).length / 16;

    it('is fed in the place of what was lost', () => {
      const caller = new FrameCaller().speak(0, 320).until(380);
      conceal(caller, 320);
      caller.receive(340, 360).receive(360, 380).until(500);
      expect(concealed(caller)).to.equal(FRAME_MS);
      expect(caller.heard.filter((ms) => ms < 30_000)).to.deep.equal([...sent(0, 320), ...sent(340, 380)]);
    });

    it('is not fed where the clock has fed silence already, and moves no times', () => {
      const caller = new FrameCaller().speak(0, 320).until(700);
      conceal(caller, 320);
      caller.frames.gap(300 * 48);
      caller.receive(640, 660).speak(660, 1000).until(1200);
      expect(concealed(caller)).to.equal(0);
      expect(caller.endsMs.at(-1)).to.be.closeTo(caller.windows.length * WINDOW_MS, 1);
    });

    it('is fed as far as the clock has not', () => {
      const caller = new FrameCaller().speak(0, 320).until(415);
      expect(caller.windows).to.have.lengthOf(11);
      conceal(caller, 320);
      conceal(caller, 340);
      caller.receive(360, 380).until(500);
      expect(concealed(caller)).to.equal(2 * FRAME_MS - WINDOW_MS);
    });
  });

  describe('when the thread has stood still', () => {
    const stalled = (untilMs: number) => {
      const caller = new FrameCaller().speak(0, 1000);
      caller.polls = false;
      caller.until(untilMs);
      caller.polls = true;
      return caller;
    };

    it('hears what was said meanwhile, before the clock takes it for silence', () => {
      const caller = stalled(6000);
      caller.frames.advance(caller.nowMs);
      for (let ms = 1000; ms < 6000; ms += FRAME_MS) caller.receive(ms, ms + FRAME_MS);
      caller.speak(6000, 7000);
      expect(caller.heard).to.deep.equal(sent(0, caller.heard.at(-1)!));
      expect(caller.silentSamples).to.equal(0);
      for (const [index, endMs] of caller.endsMs.entries()) expect(endMs).to.be.closeTo((index + 1) * WINDOW_MS, 6);
    });

    it('feeds a bounded number of windows, and is in time again', () => {
      const caller = stalled(4000);
      const before = caller.windows.length;
      caller.until(4200);
      expect(caller.windows.length - before).to.be.within(4, 15);
      expect(caller.endsMs.at(-1)).to.be.within(4200 - 60 - WINDOW_MS - TICK_MS, 4200 - 60);
      expectOrder(caller);
    });

    it('feeds no more of a gap at once', () => {
      const caller = new FrameCaller().speak(0, 320);
      caller.polls = false;
      caller.until(4000).receive(3980, 4000);
      expect(caller.windows.length).to.be.within(18, 19);
      expect(caller.endsMs.at(-1)).to.be.within(4000 - WINDOW_MS, 4000);
    });

    it('hears what was said after every stall', () => {
      const caller = stalled(2000);
      caller.frames.advance(caller.nowMs);
      for (let ms = 1000; ms < 2000; ms += FRAME_MS) caller.receive(ms, ms + FRAME_MS);
      caller.polls = false;
      caller.until(3000).frames.advance(caller.nowMs);
      for (let ms = 2000; ms < 3000; ms += FRAME_MS) caller.receive(ms, ms + FRAME_MS);
      expect(caller.silentSamples).to.equal(0);
    });

    it('does not wait for ever where every poll is late', () => {
      const caller = new FrameCaller().speak(0, 1000);
      caller.polls = false;
      for (let ms = 1200; ms < 3000; ms += 200) {
        caller.until(ms);
        caller.frames.advance(caller.nowMs);
      }
      expect(caller.endsMs.at(-1)).to.be.above(2500);
    });
  });

  it('loses no audio, invents no time and never turns back, whatever the network does', () => {
    const packet = fc.record({
      silenceMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(1500) }),
      delayMs: fc.oneof({ weight: 4, arbitrary: fc.nat(30) }, { weight: 1, arbitrary: fc.nat(400) }),
    });
    fc.assert(
      fc.property(fc.array(packet, { minLength: 1, maxLength: 60 }), (packets) => {
        const caller = new FrameCaller();
        const expected: number[] = [];
        let ms = 0;
        for (const [index, { silenceMs, delayMs }] of packets.entries()) {
          if (index > 0) ms += silenceMs;
          caller.speak(ms, ms + FRAME_MS, () => delayMs);
          expected.push(...sent(ms, ms + FRAME_MS));
          ms += FRAME_MS;
        }
        caller.until(ms + 1000);
        expect(caller.heard).to.deep.equal(expected);
        expectOrder(caller);
        expect(caller.windows.length * WINDOW_MS).to.be.at.most(caller.nowMs - START_MS + packets.length * 400);
        expect(START_MS + caller.endsMs.at(-1)!).to.be.within(
          caller.nowMs - 60 - WINDOW_MS - TICK_MS - 30,
          caller.nowMs,
        );
      }),
      { numRuns: 100 },
    );
  });
});
