import { expect } from 'chai';
import { SoundEnd } from '../../../media/vad/sound-end.ts';

const FRAME_MS = 20;
const SAMPLES_PER_MS = 16;

/** Hears a tone of an amplitude, in packets of 20 ms. */
class Ear {
  readonly sound = new SoundEnd();
  nowMs = 0;

  hears(amplitude: number, ms: number): this {
    for (const untilMs = this.nowMs + ms; this.nowMs < untilMs;) {
      const samples = Int16Array.from({ length: FRAME_MS * SAMPLES_PER_MS }, (_, n) => amplitude * Math.sin(n));
      this.sound.hear(samples, (this.nowMs += FRAME_MS));
    }
    return this;
  }
}

describe('SoundEnd', () => {
  it('knows to 5 ms when a voice has ended', () => {
    const ear = new Ear().hears(5000, 400);
    const samples = Int16Array.from({ length: 320 }, (_, n) => (n < 8 * SAMPLES_PER_MS ? 5000 * Math.sin(n) : 0));
    ear.sound.hear(samples, 420);
    expect(ear.sound.loudUntilMs).to.equal(410);
  });

  it('takes what is 30 dB below the voice for quiet, and what is 20 dB below for a part of it', () => {
    expect(new Ear().hears(5000, 400).hears(5000 / 32, 100).sound.loudUntilMs).to.equal(400);
    expect(new Ear().hears(5000, 400).hears(5000 / 10, 100).sound.loudUntilMs).to.equal(500);
  });

  it('tells that sound is back, where it was gone', () => {
    const ear = new Ear().hears(5000, 400);
    expect(ear.sound.isBackSince(400), 'it has not been gone').to.equal(false);
    ear.hears(0, 100);
    expect(ear.sound.isBackSince(400), 'it is gone').to.equal(false);
    ear.hears(5000, 20);
    expect(ear.sound.isBackSince(400)).to.equal(true);
  });

  it('never tells so of a noise that is as loud as the voice', () => {
    expect(new Ear().hears(5000, 400).hears(4000, 400).sound.isBackSince(400)).to.equal(false);
  });

  it('follows a caller who turns away', () => {
    expect(new Ear().hears(5000, 400).hears(100, 10_000).sound.loudUntilMs).to.equal(10_400);
  });
});
