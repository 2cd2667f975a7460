import { expect } from 'chai';
import { FRAME_SAMPLES, newSpeech, RATE_HZ, voiceLike } from '../support/playout-line.ts';
import type { SpeechAudio } from '../../media/speech/speech-audio.ts';

const ms = (duration: number) => (duration * RATE_HZ) / 1000;

/** 1 s of voice between pauses of 100 and 300 ms. */
const clause = (() => {
  const samples = new Int16Array(ms(1400));
  samples.set(voiceLike(1000), ms(100));
  return samples;
})();

function append(speech: SpeechAudio, text: string, cacheKey?: string): void {
  const pcm = { samples: clause, sampleRateHz: RATE_HZ };
  speech.append({ pcm, text, ...(cacheKey !== undefined && { cacheKey }) });
}

function twoClauses(cacheKey?: string): SpeechAudio {
  const speech = newSpeech('t1');
  append(speech, 'One two three four,', cacheKey);
  append(speech, 'five six.', cacheKey);
  speech.end();
  return speech;
}

function read(speech: SpeechAudio, position: number, length: number): Int16Array {
  const samples = new Int16Array(length);
  speech.read(position, samples);
  return samples;
}

describe('Speech that is broken off for another voice', () => {
  it('is parted at a word, by the share of the voice that was heard', () => {
    const parted = twoClauses().partedAt(ms(100 + 500));
    expect(parted).to.deep.equal({
      heard: 'One two',
      unheard: 'One two three four,\nfive six.',
      rest: 'three four,\nfive six.',
    });
  });

  it('has been heard with the last sound of a clause, though the pause after it has not', () => {
    const parted = twoClauses('k').partedAt(ms(1150));
    expect(parted).to.deep.include({ heard: 'One two three four,', rest: 'five six.' });
    expect(parted).to.not.have.property('broken');
  });

  it('is parted between clauses, before the first and after the last', () => {
    const speech = twoClauses('k');
    expect(speech.partedAt(0)).to.include({ heard: '', rest: 'One two three four,\nfive six.' });
    expect(speech.partedAt(ms(1400))).to.include({ heard: 'One two three four,', rest: 'five six.' });
    expect(speech.partedAt(ms(2800))).to.include({ heard: 'One two three four, five six.', rest: '' });
  });

  it('leaves out what only describes a sound', () => {
    const speech = newSpeech('t1');
    append(speech, '[plays back what it heard]');
    append(speech, 'You spoke.');
    expect(speech.partedAt(ms(600))).to.include({ rest: 'You spoke.' });
  });

  it('goes on at the very sample where the samples are the same, faded in', () => {
    const position = ms(600);
    const { rest, broken } = twoClauses('k').partedAt(position);
    const after = newSpeech('t2');
    after.beginWithin(broken!, rest!.split('\n')[0]!);
    append(after, broken!.clause, 'k');
    append(after, 'five six.', 'k');
    const fadeMs = 10;
    expect(read(after, ms(fadeMs), ms(300))).to.deep.equal(
      clause.slice(position + ms(fadeMs), position + ms(fadeMs + 300)),
    );
    expect(after.text).to.equal('three four, five six.');
    expect(after.clipAt(0), 'a clip that recurs is another').to.equal(undefined);
    expect(after.length % FRAME_SAMPLES).to.equal(0);
  });

  it('says the whole clause again where the voice is another', () => {
    const { broken, rest } = twoClauses('k').partedAt(ms(600));
    const after = newSpeech('t2');
    after.beginWithin(broken!, rest!);
    append(after, broken!.clause, 'another');
    expect(after.text).to.equal('One two three four,');
    expect(read(after, 0, clause.length)).to.deep.equal(clause);
  });

  it('shortens the pause in which it stopped by the time that the change takes', () => {
    const { broken, rest } = twoClauses('k').partedAt(0);
    const after = newSpeech('t2');
    after.beginWithin(broken!, rest!);
    append(after, broken!.clause, 'k');
    expect(after.pauseAt(0, 20), '20 of its 100 ms are left').to.equal(true);
    expect(after.pauseAt(0, 30)).to.equal(false);
  });

  it('knows where it pauses', () => {
    const speech = twoClauses();
    expect(speech.pauseAt(ms(1100), 80)).to.equal(true);
    expect(speech.pauseAt(ms(1080), 80)).to.equal(false);
    expect(speech.pauseAt(ms(1480), 80), 'the next clause begins').to.equal(false);
  });
});
