import { expect } from 'chai';
import { newSpeech, PlayoutLine, RATE_HZ, spoken, voiceLike } from '../../support/playout-line.ts';

const FIRST_TIMESTAMP = 2 ** 32 - 9600;

describe('Playout, where a speech begins', () => {
  it('sends its first packet at the tick at which there is enough of it, and the others every 20 ms from there', () => {
    const line = new PlayoutLine();
    line.run(110);
    line.playout.play(spoken('t1', 100));
    line.run(100);
    const voice = line.since(100);
    expect(voice.map(({ atMs }) => atMs).slice(0, 3)).to.deep.equal([110, 130, 150]);
    for (const { atMs, timestamp } of voice) expect(timestamp).to.equal((FIRST_TIMESTAMP + atMs * 48) >>> 0);
    expect(line.told[0]).to.deep.equal({ what: 'audible t1', atMs: 110 });
  });

  it('never has two packets leave within one frame', () => {
    const line = new PlayoutLine();
    line.run(405);
    line.playout.play(spoken('t1', 100));
    line.run(50);
    expect(line.since(400).map(({ atMs }) => atMs)).to.deep.equal([400, 420, 440]);
  });

  it('keeps a speech that is held back, and begins it when it is let go', () => {
    const line = new PlayoutLine();
    line.run(100);
    line.playout.hold(true);
    line.playout.play(spoken('t1', 100));
    line.run(50);
    line.playout.hold(false);
    line.run(20);
    expect(line.told[0]).to.deep.equal({ what: 'audible t1', atMs: 150 });
  });

  it('is told of as soon as 60 ms of it are there', () => {
    let ready = 0;
    const speech = newSpeech('t1', () => void ready++);
    const append = (ms: number) => speech.append({ pcm: { samples: voiceLike(ms), sampleRateHz: RATE_HZ }, text: '' });
    append(40);
    expect(ready).to.equal(0);
    append(20);
    append(20);
    expect(ready).to.equal(1);
  });
});
