import { expect } from 'chai';
import * as fc from 'fast-check';
import { resample, Resampler } from '../../../media/audio/resampler.ts';

const RATES = [
  [16_000, 24_000],
  [16_000, 48_000],
  [24_000, 48_000],
  [8_000, 48_000],
  [48_000, 16_000],
  [48_000, 24_000],
  [24_000, 16_000],
  [48_000, 8_000],
] as const;

const HALF_SCALE = 16_384;

function tone(hz: number, rateHz: number, samples: number): Int16Array {
  return Int16Array.from({ length: samples }, (_, n) =>
    Math.round(HALF_SCALE * Math.sin((2 * Math.PI * hz * n) / rateHz)),
  );
}

/** The middle of a recording, where no edge of the stream is heard. */
function middle(samples: Int16Array): Int16Array {
  return samples.subarray(samples.length / 4, (3 * samples.length) / 4);
}

/** Power of a tone and of everything else, by fitting the tone. `middle` changes its phase only, which is fitted too. */
function analyse(samples: Int16Array, hz: number, rateHz: number): { amplitude: number; snrDb: number } {
  let sine = 0;
  let cosine = 0;
  for (const [n, sample] of samples.entries()) {
    sine += (2 * sample * Math.sin((2 * Math.PI * hz * n) / rateHz)) / samples.length;
    cosine += (2 * sample * Math.cos((2 * Math.PI * hz * n) / rateHz)) / samples.length;
  }
  let rest = 0;
  for (const [n, sample] of samples.entries()) {
    const angle = (2 * Math.PI * hz * n) / rateHz;
    rest += (sample - sine * Math.sin(angle) - cosine * Math.cos(angle)) ** 2;
  }
  const amplitude = Math.hypot(sine, cosine);
  return { amplitude, snrDb: 10 * Math.log10((amplitude ** 2 / 2) * (samples.length / rest)) };
}

const decibels = (ratio: number) => 20 * Math.log10(ratio);

function rms(samples: Int16Array): number {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
}

describe('Resampler', () => {
  for (const [fromHz, toHz] of RATES) {
    describe(`${fromHz / 1000} to ${toHz / 1000} kHz`, () => {
      const lower = Math.min(fromHz, toHz);

      it('keeps a tone clean, at any place of the pass band', () => {
        for (const part of [0.0625, 0.1875, 0.3125, 0.39]) {
          const hz = part * lower;
          const { amplitude, snrDb } = analyse(middle(resample(tone(hz, fromHz, fromHz), fromHz, toHz)), hz, toHz);
          expect(snrDb, `SNR at ${hz} Hz`).to.be.above(85);
          expect(Math.abs(decibels(amplitude / HALF_SCALE)), `response at ${hz} Hz`).to.be.below(0.01);
        }
      });

      if (fromHz > toHz) {
        it('lets nothing above half of the lower rate fold back', () => {
          for (const part of [0.51, 0.55, 0.75, 0.9]) {
            const output = middle(resample(tone(part * lower, fromHz, fromHz), fromHz, toHz));
            const aliasDb = decibels(rms(output) / (HALF_SCALE / Math.SQRT2));
            expect(aliasDb, `alias of ${part * lower} Hz`).to.be.below(-75);
          }
        });
      }

      it('moves nothing in time', () => {
        const pulse = new Int16Array(fromHz / 10);
        pulse[fromHz / 20] = HALF_SCALE;
        const output = resample(pulse, fromHz, toHz);
        expect(output.length).to.equal(toHz / 10);
        expect(output.indexOf(Math.max(...output))).to.equal(toHz / 20);
      });
    });
  }

  it('gives the same samples however the stream was cut into chunks', () => {
    const [fromHz, toHz] = [16_000, 24_000];
    fc.assert(
      fc.property(fc.int16Array({ minLength: 1, maxLength: 800 }), fc.array(fc.nat(100)), (input, sizes) => {
        const resampler = new Resampler({ fromHz, toHz });
        const output: number[] = [];
        let at = 0;
        for (const size of sizes) output.push(...resampler.process(input.subarray(at, (at += size))));
        output.push(...resampler.process(input.subarray(at)), ...resampler.flush());
        expect(output).to.deep.equal([...resample(input, fromHz, toHz)]);
        expect(output.length).to.equal(Math.ceil(input.length * 1.5));
      }),
      { numRuns: 50 },
    );
  });

  it('keeps back what lies within its delay until the stream goes on or ends', () => {
    const resampler = new Resampler({ fromHz: 16_000, toHz: 48_000 });
    expect(resampler.delayMs).to.equal(1.5);
    expect(resampler.process(new Int16Array(320)).length).to.equal(960 - 72);
    expect(resampler.process(new Int16Array(320)).length).to.equal(960);
    expect(resampler.flush().length).to.equal(72);
  });

  it('starts afresh after a flush', () => {
    const resampler = new Resampler({ fromHz: 16_000, toHz: 24_000 });
    const noise = Int16Array.from({ length: 500 }, (_, n) => ((n * 7919) % 20_000) - 10_000);
    const run = () => [...resampler.process(noise), ...resampler.flush()];
    expect(run()).to.deep.equal(run());
  });

  it('limits what would overflow', () => {
    const square = Int16Array.from({ length: 1600 }, (_, n) => (Math.floor(n / 40) % 2 ? 32_767 : -32_768));
    const output = resample(square, 16_000, 24_000);
    // An overshoot that wrapped round would be a jump of the full scale in the middle of a half wave.
    for (let n = 10; n < 50; n++) expect(output[60 * 4 + n]).to.be.below(-25_000);
  });

  it('refuses rates without a ratio of small numbers and odd filter lengths', () => {
    expect(() => new Resampler({ fromHz: 16_000, toHz: 47_999 })).to.throw(RangeError, '47999');
    expect(() => new Resampler({ fromHz: 0, toHz: 48_000 })).to.throw(RangeError);
    expect(() => new Resampler({ fromHz: 16_000, toHz: 48_000, taps: 7 })).to.throw(RangeError, 'taps');
  });
});
