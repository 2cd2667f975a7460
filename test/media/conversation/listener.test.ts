import { expect } from 'chai';
import { Listener, LONGEST_DELAY_MS } from '../../../media/conversation/listener.ts';
import type { SpeechAudio } from '../../../media/speech/speech-audio.ts';
import { newSpeech, PlayoutLine, RATE_HZ, voiceLike } from '../../support/playout-line.ts';

const WORDS = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];
const WORD_MS = 100;

/** Ten words of 100 ms. */
function counting({ times = true } = {}): SpeechAudio {
  const speech = newSpeech('t1');
  const words = WORDS.map((word, n) => ({ word, startMs: n * WORD_MS, endMs: (n + 1) * WORD_MS }));
  const samples = voiceLike(WORDS.length * WORD_MS);
  speech.append({ pcm: { samples, sampleRateHz: RATE_HZ }, text: WORDS.join(' '), ...(times && { words }) });
  speech.end();
  return speech;
}

/** @param hearsAfterMs what the client has reported, if it has */
function playing(hearsAfterMs?: number, options?: { times: boolean }): PlayoutLine {
  const line = new PlayoutLine();
  if (hearsAfterMs !== undefined) line.playout.listener.hearsAfter(hearsAfterMs);
  line.playout.play(counting(options));
  return line;
}

/** At 0, 20 … ms a frame of 20 ms leaves. */
describe('Listener', () => {
  it('has heard what was sent, less the time until it sounds', () => {
    const line = playing(200);
    line.run(500);
    // At 480 ms, the last frame that had left by 280 ms ends at 300 ms of the speech.
    expect(line.playout.progress()).to.deep.include({ heard: 'one two three' }).and.not.have.property('estimated');
    line.run(100);
    expect(line.playout.progress().heard).to.equal('one two three four');
  });

  it('has heard all that was sent where it hears at once', () => {
    const line = playing(0);
    line.run(500);
    expect(line.playout.progress()).to.deep.include({ heard: 'one two three four five' });
  });

  it('has heard nothing yet while the first packet is on its way', () => {
    const line = playing(200);
    line.run(180);
    expect(line.playout.progress()).to.deep.include({ heard: '', unheard: WORDS.join(' ') });
    expect(line.playout.progress()).to.not.have.property('estimated');
  });

  it('hears the rest of what was sent during a pause', () => {
    const line = playing(200);
    line.run(500);
    line.playout.pause();
    line.run(100);
    const soon = line.playout.progress().heard;
    line.run(300);
    expect(soon).to.equal('one two three four');
    // With the frame that faded out.
    expect(line.playout.progress().heard).to.equal('one two three four five');
  });

  it('has not forgotten what is said again after a pause', () => {
    const line = playing(0, { times: false });
    line.run(500);
    line.playout.pause();
    line.run(300);
    line.playout.resume(300);
    line.run(40);
    expect(line.playout.progress().heard).to.equal('one two three four five');
  });

  it('begins anew with each speech', () => {
    const line = playing(200);
    line.run(1500);
    line.playout.play(counting());
    line.run(100);
    expect(line.playout.progress().heard).to.equal('');
  });

  it('is a guess where the client has not told how late it hears', () => {
    const line = playing();
    line.run(500);
    expect(line.playout.progress()).to.include({ heard: 'one two three four five', estimated: true });
  });

  it('is a guess where the voice gives no times of its words', () => {
    const line = playing(200, { times: false });
    line.run(500);
    expect(line.playout.progress()).to.include({ heard: 'one two three', estimated: true });
  });

  it('takes no report for longer than a conversation can bear', () => {
    const listener = new Listener();
    expect(listener.delayMs).to.equal(undefined);
    listener.hearsAfter(1e9);
    expect(listener.delayMs).to.equal(LONGEST_DELAY_MS);
  });
});
