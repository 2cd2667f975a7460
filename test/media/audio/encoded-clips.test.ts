import { expect } from 'chai';
import { EncodedClips } from '../../../media/audio/encoded-clips.ts';
import { OpusDecoder } from '../../../media/audio/opus.ts';
import { FRAME_SAMPLES, RATE_HZ, rms, voiceLike } from '../../support/playout-line.ts';

const samples = voiceLike(200);

describe('EncodedClips', () => {
  it('gives all listeners the very same packet', () => {
    const clips = new EncodedClips(RATE_HZ);
    const first = clips.packet('one', samples, 0);
    expect(first).to.be.instanceOf(Uint8Array);
    expect(clips.packet('one', samples, 0)).to.equal(first);
  });

  it('encodes a clip in order, whoever asks for the next frame', () => {
    const clips = new EncodedClips(RATE_HZ);
    const alone = new EncodedClips(RATE_HZ);
    const shared = [0, 0, 1, 0, 1, 2, 3, 2].map((index) => clips.packet('one', samples, index)!);
    const whole = [0, 1, 2, 3].map((index) => alone.packet('one', samples, index)!);
    expect([shared[0], shared[2], shared[5], shared[6]]).to.deep.equal(whole);
  });

  it('can be decoded to what was encoded, its last frame filled with silence', () => {
    const clips = new EncodedClips(RATE_HZ);
    const decoder = new OpusDecoder(RATE_HZ);
    const clip = samples.subarray(0, 4 * FRAME_SAMPLES + 1);
    const frames = [0, 1, 2, 3, 4].map((index) => decoder.decode(clips.packet('one', clip, index)!)!);
    expect(rms(frames[2]!)).to.be.closeTo(rms(samples), 0.1 * rms(samples));
    expect(clips.packet('one', clip, 5), 'after its end').to.equal(undefined);
  });

  it('has nothing for a listener in the middle of what nobody has heard to there', () => {
    const clips = new EncodedClips(RATE_HZ);
    expect(clips.packet('one', samples, 3)).to.equal(undefined);
    clips.packet('one', samples, 0);
    expect(clips.packet('one', samples, 3)).to.equal(undefined);
  });

  it('keeps so many clips and lets go of the one that was heard the longest ago', () => {
    const clips = new EncodedClips(RATE_HZ);
    const first = clips.packet('0', samples, 0);
    const second = clips.packet('1', samples, 0);
    for (let n = 2; n < 256; n++) clips.packet(`${n}`, samples, 0);
    expect(clips.packet('0', samples, 0)).to.equal(first);
    clips.packet('256', samples, 0);
    expect(clips.packet('0', samples, 0)).to.equal(first);
    expect(clips.packet('1', samples, 0)).to.not.equal(second);
  });
});
