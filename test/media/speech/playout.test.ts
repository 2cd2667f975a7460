import { expect } from 'chai';
import { EncodedClips } from '../../../media/audio/encoded-clips.ts';
import {
  FRAME_SAMPLES,
  largestStep,
  newSpeech,
  PlayoutLine,
  RATE_HZ,
  rms,
  spoken,
  voiceLike,
} from '../../support/playout-line.ts';

const FRAME_MS = 20;
const VOICE_RMS = rms(voiceLike(1000));
/** A cut would be a step of the voice's amplitude, 8000. */
const SMOOTH = 1.5 * largestStep(voiceLike(1000));
/** An Opus encoder's look-ahead, by which what is heard is later than what was encoded. */
const DELAY_MS = 7;

const between = (heard: Int16Array, fromMs: number, toMs: number) =>
  heard.subarray(((fromMs + DELAY_MS) * RATE_HZ) / 1000, ((toMs + DELAY_MS) * RATE_HZ) / 1000);
const decibels = (ratio: number) => 20 * Math.log10(ratio);

/** A line on which a speech of 3 s has been heard for a while. */
function speaking(ms = 400): PlayoutLine {
  const line = new PlayoutLine();
  line.playout.play(spoken('t1', 3000));
  line.run(ms);
  return line;
}

describe('Playout', () => {
  describe('packets', () => {
    it('leave every 20 ms while the agent speaks, one sequence number and 960 timestamps apart', () => {
      const line = new PlayoutLine();
      line.playout.play(spoken('t1', 1000));
      line.run(1000);
      expect(line.sent).to.have.length(50);
      for (const [n, packet] of line.sent.entries()) {
        expect(packet).to.include({ atMs: n * FRAME_MS, ssrc: 0xfedcba98, payloadType: 111 });
        expect(packet.sequence).to.equal((65_530 + n) & 0xffff);
        expect(packet.timestamp).to.equal((2 ** 32 - 9600 + n * 960) >>> 0);
      }
    });

    it('say what was to be said', () => {
      const line = new PlayoutLine();
      line.playout.play(spoken('t1', 1000));
      line.run(1200);
      const heard = line.heard();
      expect(rms(between(heard, 40, 960))).to.be.closeTo(VOICE_RMS, VOICE_RMS * 0.05);
      expect(largestStep(heard), 'also at the ends').to.be.below(SMOOTH);
    });

    it('carry the marker where a talk spurt begins, and nowhere else', () => {
      const line = new PlayoutLine();
      line.playout.play(spoken('t1', 200));
      line.run(1000);
      line.playout.play(spoken('t2', 200));
      line.run(1000);
      expect(line.sent.filter(({ marker }) => marker).map(({ atMs }) => atMs)).to.deep.equal([0, 1000]);
    });

    it('become two of silence after speech, then one every 400 ms, while timestamps run on', () => {
      const line = new PlayoutLine();
      line.playout.play(spoken('t1', 200));
      line.run(2000);
      const quiet = line.since(200);
      expect(quiet.map(({ atMs }) => atMs)).to.deep.equal([200, 220, 620, 1020, 1420, 1820]);
      for (const { atMs, timestamp } of quiet) expect(timestamp).to.equal((2 ** 32 - 9600 + atMs * 48) >>> 0);
      expect(quiet.map(({ sequence }) => sequence)).to.deep.equal([4, 5, 6, 7, 8, 9]);
      expect(rms(between(line.heard(), 260, 1800))).to.equal(0);
    });

    it('leave every 400 ms before anything is said, so that the listener knows that the line is open', () => {
      const line = new PlayoutLine();
      line.run(1000);
      expect(line.sent.map(({ atMs }) => atMs)).to.deep.equal([0, 400, 800]);
    });

    it('are left out after a stall, and never sent in a burst', () => {
      const line = speaking();
      line.stall(5000);
      line.run(200);
      const after = line.since(5400);
      for (const [n, { atMs }] of after.entries()) expect(atMs).to.equal(5400 + n * FRAME_MS);
      expect(after[0]).to.include({ marker: true, timestamp: 2 ** 32 - 9600 + 5400 * 48 - 2 ** 32 });
      expect(line.playout.position, 'no word is skipped').to.equal((31 * RATE_HZ) / 50);
    });
  });

  describe('a speech', () => {
    it('is audible with its first packet and finished with its last', () => {
      const line = new PlayoutLine();
      line.run(100);
      line.playout.play(spoken('t1', 400));
      line.run(1000);
      expect(line.told).to.deep.equal([
        { what: 'audible t1', atMs: 100 },
        { what: 'finished t1', atMs: 480 },
      ]);
      expect(line.playout.speech).to.equal(undefined);
    });

    it('begins as soon as its first frame is there, while the rest is still made', () => {
      const line = new PlayoutLine();
      const speech = newSpeech('t1');
      line.playout.play(speech);
      line.run(100);
      expect(line.playout.audible).to.equal(false);
      speech.append({ pcm: { samples: voiceLike(100), sampleRateHz: RATE_HZ }, text: 'one' });
      line.run(400);
      expect(line.events, 'it waits for more').to.deep.equal(['audible t1']);
      expect(
        line.since(200).filter(({ atMs }) => atMs < 240),
        'silent while it waits',
      ).to.have.length(2);
      speech.append({ pcm: { samples: voiceLike(100), sampleRateHz: RATE_HZ }, text: 'two' });
      speech.end();
      line.run(200);
      expect(line.events).to.deep.equal(['audible t1', 'finished t1']);
      expect(line.sent.filter(({ marker }) => marker).map(({ atMs }) => atMs)).to.deep.equal([100, 500]);
    });

    it('is finished also when its end is told after its last packet has left', () => {
      const line = new PlayoutLine();
      const speech = newSpeech('t1');
      speech.append({ pcm: { samples: voiceLike(100), sampleRateHz: RATE_HZ }, text: 'one' });
      line.playout.play(speech);
      line.run(2000);
      expect(line.events).to.deep.equal(['audible t1']);
      speech.end();
      line.run(40);
      expect(line.events).to.deep.equal(['audible t1', 'finished t1']);
    });

    it('waits while it is held, though its first frame is ready', () => {
      const line = new PlayoutLine();
      line.run(100);
      line.playout.play(spoken('t1', 400));
      line.playout.prepare();
      line.playout.hold(true);
      line.run(300);
      expect(line.events).to.deep.equal([]);
      expect(line.sent, 'nothing of it has left').to.have.length(1);
      line.playout.hold(false);
      line.run(1000);
      expect(line.told[0]).to.deep.equal({ what: 'audible t1', atMs: 400 });
      expect(rms(between(line.heard(), 440, 760)), 'from its beginning').to.be.closeTo(VOICE_RMS, VOICE_RMS * 0.05);
      expect(line.told[1]).to.deep.equal({ what: 'finished t1', atMs: 780 });
    });

    it('that is audible is not held', () => {
      const line = speaking();
      line.playout.hold(true);
      line.run(200);
      expect(line.since(400)).to.have.length(10);
    });

    it('tells which of its words have been heard', () => {
      const line = new PlayoutLine();
      line.playout.play(spoken('t1', 1000, 'one two three four'));
      expect(line.playout.progress()).to.deep.include({ heard: '', unheard: 'one two three four' });
      line.run(500);
      expect(line.playout.progress()).to.deep.include({ heard: 'one two', unheard: 'one two three four' });
      line.run(1000);
      expect(line.playout.progress()).to.deep.include({ heard: '', unheard: '' });
    });
  });

  describe('ducking', () => {
    it('lowers the voice within the next frame, and brings it back, without a cut', () => {
      const line = speaking();
      line.playout.duck(15);
      line.run(400);
      line.playout.resume(300);
      line.run(400);
      const heard = line.heard();
      const lowered = decibels(rms(between(heard, 460, 780)) / rms(between(heard, 100, 380)));
      expect(lowered).to.be.closeTo(-15, 0.5);
      expect(rms(between(heard, 860, 1150))).to.be.closeTo(VOICE_RMS, VOICE_RMS * 0.05);
      expect(largestStep(heard)).to.be.below(SMOOTH);
      expect(line.playout.position, 'it goes on meanwhile').to.equal((61 * RATE_HZ) / 50);
    });
  });

  describe('pausing', () => {
    it('fades the voice out within two frames, then tells that it is silent', () => {
      const line = speaking();
      line.playout.pause();
      line.run(1000);
      expect(line.told.at(-1)).to.deep.equal({ what: 'silent', atMs: 440 });
      const heard = line.heard();
      expect(rms(between(heard, 435, 1300))).to.be.below(20);
      expect(largestStep(heard)).to.be.below(SMOOTH);
    });

    it('is two frames of silence and then one every 400 ms', () => {
      const line = speaking();
      line.playout.pause();
      line.run(1000);
      expect(line.since(440).map(({ atMs }) => atMs)).to.deep.equal([440, 460, 860, 1260]);
    });

    it('keeps the place, and goes on 300 ms before it where the voice gave no word times', () => {
      const line = speaking();
      line.playout.pause();
      line.run(2000);
      const broken = line.playout.position;
      line.playout.resume(300);
      expect(line.playout.position).to.equal(broken - 0.3 * RATE_HZ);
      line.run(600);
      const heard = line.heard();
      expect(rms(between(heard, 2440, 2900))).to.be.closeTo(VOICE_RMS, VOICE_RMS * 0.05);
      expect(largestStep(heard)).to.be.below(SMOOTH);
      expect(line.since(2400)[0]).to.include({ atMs: 2400, marker: true });
    });

    it('goes on at the start of the broken word where the voice gave word times', () => {
      const line = new PlayoutLine();
      const speech = newSpeech('t1');
      const words = [
        { word: 'one', startMs: 0, endMs: 200 },
        { word: 'two', startMs: 240, endMs: 900 },
      ];
      speech.append({ pcm: { samples: voiceLike(1000), sampleRateHz: RATE_HZ }, text: 'one two', words });
      speech.end();
      line.playout.play(speech);
      line.run(600);
      line.playout.pause();
      line.run(500);
      line.playout.resume(300);
      expect(line.playout.position).to.equal(0.24 * RATE_HZ);
    });

    it('that is taken back before it was heard changes nothing', () => {
      const line = speaking();
      line.playout.pause();
      line.playout.resume(300);
      line.run(200);
      expect(line.events).to.deep.equal(['audible t1']);
      expect(line.playout.position).to.equal((31 * RATE_HZ) / 50);
    });

    it('at the very end of a speech still lets it finish', () => {
      const line = new PlayoutLine();
      line.playout.play(spoken('t1', 400));
      line.run(385);
      line.playout.pause();
      line.run(1000);
      line.playout.resume(300);
      line.run(1000);
      expect(line.events).to.include('finished t1');
    });
  });

  describe('stopping', () => {
    it('fades the voice out within two frames and tells that it is silent, not that it finished', () => {
      const line = speaking();
      line.playout.stop();
      expect(line.playout.audible).to.equal(false);
      line.run(1000);
      expect(line.events).to.deep.equal(['audible t1', 'silent']);
      expect(line.told.at(-1)!.atMs).to.equal(440);
      const heard = line.heard();
      expect(rms(between(heard, 435, 1200))).to.be.below(20);
      expect(largestStep(heard)).to.be.below(SMOOTH);
    });

    it('says nothing at all of a speech that has not begun, though its first frame is ready', () => {
      const line = new PlayoutLine();
      line.run(100);
      line.playout.play(spoken('t1', 400));
      line.playout.prepare();
      line.playout.stop();
      line.run(1000);
      expect(line.events).to.deep.equal([]);
      expect(line.sent.filter(({ marker }) => marker)).to.have.length(0);
      expect(rms(line.heard())).to.equal(0);
    });

    it('tells of the silence also where the voice was paused, or waited for more of its speech', () => {
      const paused = speaking();
      paused.playout.pause();
      paused.run(10);
      paused.playout.stop();
      paused.run(200);
      expect(paused.events).to.deep.equal(['audible t1', 'silent']);

      const waiting = new PlayoutLine();
      const speech = newSpeech('t1');
      speech.append({ pcm: { samples: voiceLike(100), sampleRateHz: RATE_HZ }, text: 'one' });
      waiting.playout.play(speech);
      waiting.run(500);
      waiting.playout.stop();
      waiting.run(40);
      expect(waiting.events).to.deep.equal(['audible t1', 'silent']);
    });

    it('lets the speech that follows begin when the one before has faded', () => {
      const line = speaking();
      line.playout.stop();
      line.playout.play(spoken('t2', 400));
      expect(line.playout.progress()).to.deep.include({ heard: '', unheard: 'text' });
      line.run(1000);
      expect(line.events).to.deep.equal(['audible t1', 'silent', 'audible t2', 'finished t2']);
      expect(largestStep(line.heard())).to.be.below(SMOOTH);
    });

    it('is what a speech does to the one before that nobody has stopped', () => {
      const line = speaking();
      line.playout.play(spoken('t2', 400));
      line.run(1000);
      expect(line.events).to.deep.equal(['audible t1', 'silent', 'audible t2', 'finished t2']);
      expect(largestStep(line.heard())).to.be.below(SMOOTH);
    });

    it('drops the speech that was to follow', () => {
      const line = speaking();
      line.playout.stop();
      line.playout.play(spoken('t2', 400));
      line.playout.stop();
      line.run(1000);
      expect(line.events).to.deep.equal(['audible t1', 'silent']);
    });

    it('leaves the next speech a full voice', () => {
      for (const act of ['duck', 'pause'] as const) {
        const line = speaking();
        line.playout[act](15);
        line.run(200);
        line.playout.stop();
        line.playout.play(spoken('t2', 600));
        line.run(700);
        const from = line.told.find(({ what }) => what === 'audible t2')!.atMs;
        const level = rms(between(line.heard(), from + 40, from + 500));
        expect(level, act).to.be.closeTo(VOICE_RMS, VOICE_RMS * 0.05);
      }
    });
  });

  describe('speech that recurs', () => {
    const samples = voiceLike(600);
    const greeting = (turnId: string, audible: Int16Array = samples) => {
      const speech = newSpeech(turnId);
      speech.append({ pcm: { samples: audible, sampleRateHz: RATE_HZ }, text: 'hello', cacheKey: 'hello' });
      speech.end();
      return speech;
    };

    it('is encoded once for two calls', () => {
      const clips = new EncodedClips(RATE_HZ);
      const [first, second] = [new PlayoutLine(clips), new PlayoutLine(clips)];
      first.playout.play(greeting('t1'));
      first.run(700);
      // A key stands for its samples: if these were encoded, silence would be heard.
      second.playout.play(greeting('t1', new Int16Array(samples.length)));
      second.run(700);
      expect(second.sent.slice(0, 30).map(({ payload }) => payload)).to.deep.equal(
        first.sent.slice(0, 30).map(({ payload }) => payload),
      );
      expect(rms(between(second.heard(), 40, 560))).to.be.closeTo(VOICE_RMS, VOICE_RMS * 0.05);
    });

    it('is ducked, paused and stopped in one call alone, without a cut', () => {
      const clips = new EncodedClips(RATE_HZ);
      const [first, second] = [new PlayoutLine(clips), new PlayoutLine(clips)];
      for (const line of [first, second]) {
        line.playout.play(greeting('t1'));
        line.run(200);
      }
      first.playout.duck(15);
      first.run(100);
      first.playout.resume(300);
      first.run(100);
      first.playout.stop();
      first.run(100);
      second.run(300);
      expect(largestStep(first.heard())).to.be.below(SMOOTH);
      expect(rms(between(first.heard(), 260, 290))).to.be.below(VOICE_RMS / 4);
      expect(rms(between(second.heard(), 40, 480))).to.be.closeTo(VOICE_RMS, VOICE_RMS * 0.05);
    });

    it('joins speech that does not without losing a sample or waiting for a whole frame', () => {
      const line = new PlayoutLine();
      const speech = newSpeech('t1');
      const clip = voiceLike(110);
      speech.append({ pcm: { samples: clip, sampleRateHz: RATE_HZ }, text: 'one,', cacheKey: 'one' });
      line.playout.play(speech);
      line.run(200);
      expect(line.playout.position, 'all of the clip').to.equal(6 * FRAME_SAMPLES);
      speech.append({ pcm: { samples: voiceLike(100), sampleRateHz: RATE_HZ }, text: 'two' });
      speech.end();
      line.run(200);
      expect(line.events).to.deep.equal(['audible t1', 'finished t1']);
      expect(line.playout.speech).to.equal(undefined);
    });
  });
});
