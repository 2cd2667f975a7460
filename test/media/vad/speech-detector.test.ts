import { expect } from 'chai';
import * as fc from 'fast-check';
import { endpointing, type EndpointingOptions } from '../../../media/agent/agent.ts';
import { SpeechDetector, WINDOW_MS } from '../../../media/vad/speech-detector.ts';

const SPEECH = 0.9;
const BETWEEN = 0.4;
const SILENCE = 0.1;

/** Feeds window after window; `changes` are what came of it, with the end of the window that brought it. */
class Listener {
  readonly detector: SpeechDetector;
  readonly changes: [string, number][] = [];
  nowMs = 0;

  constructor(options: Partial<EndpointingOptions> = {}) {
    this.detector = new SpeechDetector(endpointing.parse(options));
  }

  hear(probability: number, windows = 1): this {
    for (let index = 0; index < windows; index++) {
      this.nowMs += WINDOW_MS;
      const change = this.detector.push(probability, this.nowMs);
      if (change) this.changes.push([change, this.nowMs]);
    }
    return this;
  }
}

describe('SpeechDetector', () => {
  it('starts after 96 ms, and knows when speech began', () => {
    const { detector, changes } = new Listener().hear(SILENCE, 10).hear(SPEECH, 3);
    expect(changes).to.deep.equal([['start', 416]]);
    expect(detector).to.include({ speaking: true, speechStartMs: 320, lastSpeechMs: 416, speechMs: 96, silenceMs: 0 });
  });

  it('does not start for less', () => {
    expect(new Listener().hear(SPEECH, 2).hear(SILENCE).hear(SPEECH, 2).hear(SILENCE).changes).to.deep.equal([]);
  });

  it('ends after 550 ms of silence: with the window that makes it so many', () => {
    const { detector, changes } = new Listener().hear(SPEECH, 10).hear(SILENCE, 18);
    expect(changes).to.deep.equal([
      ['start', 96],
      ['end', 320 + 576],
    ]);
    expect(detector).to.include({
      speaking: false,
      speechStartMs: 0,
      lastSpeechMs: 320,
      speechMs: 320,
      silenceMs: 576,
    });
  });

  it('ends where the sound does, within its last window', () => {
    const detector = new SpeechDetector(endpointing.parse({}));
    for (let windows = 1; windows <= 10; windows++) detector.push(SPEECH, windows * WINDOW_MS, windows * WINDOW_MS);
    detector.push(SILENCE, 352, 305);
    expect(detector).to.include({ lastSpeechMs: 305, silenceMs: 47 });
    detector.push(SILENCE, 384, 200);
    expect(detector, 'only once').to.include({ lastSpeechMs: 305, silenceMs: 79 });
    detector.push(SPEECH, 416, 416);
    detector.push(SILENCE, 448, 300);
    expect(detector, 'by a window at most: quiet speech is speech').to.include({ lastSpeechMs: 384, silenceMs: 64 });
  });

  it('goes on over a shorter pause, which is no part of the speech', () => {
    const { detector, changes } = new Listener().hear(SPEECH, 10).hear(SILENCE, 17).hear(SPEECH, 5);
    expect(changes).to.have.lengthOf(1);
    expect(detector).to.include({ speaking: true, speechMs: 15 * WINDOW_MS, silenceMs: 0 });
  });

  it('begins anew with the next speech', () => {
    const { detector, changes } = new Listener().hear(SPEECH, 10).hear(SILENCE, 30).hear(SPEECH, 4);
    expect(changes.map(([change]) => change)).to.deep.equal(['start', 'end', 'start']);
    expect(detector).to.include({ speechStartMs: 40 * WINDOW_MS, speechMs: 4 * WINDOW_MS });
  });

  describe('between the thresholds', () => {
    it('goes on with speech', () => {
      const { detector, changes } = new Listener().hear(SPEECH, 3).hear(BETWEEN, 50);
      expect(changes).to.have.lengthOf(1);
      expect(detector).to.include({ speechMs: 53 * WINDOW_MS, silenceMs: 0 });
    });

    it('goes on with silence', () => {
      const { changes } = new Listener().hear(SPEECH, 3).hear(SILENCE).hear(BETWEEN, 17);
      expect(changes.map(([change]) => change)).to.deep.equal(['start', 'end']);
    });

    it('never starts speech', () => {
      expect(new Listener().hear(BETWEEN, 100).changes).to.deep.equal([]);
    });

    it('loses no start for one window, which does not count, and loses it for two', () => {
      const once = new Listener().hear(SPEECH, 2).hear(BETWEEN).hear(SPEECH);
      expect(once.changes).to.deep.equal([['start', 128]]);
      expect(once.detector).to.include({ speechStartMs: 0, speechMs: 96 });
      const often = new Listener().hear(SPEECH).hear(BETWEEN).hear(SPEECH).hear(BETWEEN).hear(SPEECH);
      expect(often.changes).to.deep.equal([['start', 160]]);
      expect(new Listener().hear(SPEECH, 2).hear(BETWEEN, 2).hear(SPEECH, 2).changes).to.deep.equal([]);
    });
  });

  it('takes the thresholds themselves as speech', () => {
    const { detector } = new Listener({ threshold: 0.6, releaseThreshold: 0.2 }).hear(0.6, 3).hear(0.2, 4);
    expect(detector).to.include({ speaking: true, silenceMs: 0 });
  });

  it('follows the lengths it is given', () => {
    const { changes } = new Listener({ speechStartMs: 32, speechEndMs: 100 }).hear(SPEECH).hear(SILENCE, 4);
    expect(changes).to.deep.equal([
      ['start', 32],
      ['end', 160],
    ]);
  });

  it('shows the speech that is too short as yet, and forgets it when told to', () => {
    const listener = new Listener().hear(SPEECH, 2);
    expect(listener.detector.candidateMs).to.equal(64);
    listener.detector.resetCandidate();
    expect(listener.detector.candidateMs).to.equal(0);
    expect(listener.hear(SPEECH, 2).changes).to.deep.equal([]);
    expect(listener.hear(SPEECH).detector).to.include({ speaking: true, candidateMs: 0, speechStartMs: 64 });
  });

  it('knows of no speech before there was any', () => {
    const { detector } = new Listener().hear(SILENCE, 3).hear(SPEECH);
    expect(detector).to.include({ speaking: false, silenceMs: Infinity, lastSpeechMs: -Infinity, speechMs: 0 });
  });

  it('takes what is no number for silence, so that a broken model ends the speech', () => {
    const { changes } = new Listener().hear(NaN, 5).hear(SPEECH, 2).hear(NaN).hear(SPEECH, 3).hear(NaN, 18);
    expect(changes.map(([change]) => change)).to.deep.equal(['start', 'end']);
  });

  describe('when time was skipped', () => {
    it('ends the speech, even if the next window is speech again', () => {
      const listener = new Listener().hear(SPEECH, 10);
      listener.nowMs += 5000;
      expect(listener.hear(SPEECH).changes.at(-1)).to.deep.equal(['end', 5352]);
      expect(listener.hear(SPEECH, 2).changes.at(-1)).to.deep.equal(['start', 5416]);
      expect(listener.detector).to.include({ speechStartMs: 5320, speechMs: 96 });
    });

    it('adds no sounds together', () => {
      const listener = new Listener().hear(SPEECH, 2);
      listener.nowMs += 1000;
      expect(listener.hear(SPEECH, 2).changes).to.deep.equal([]);
    });
  });

  it('counts silence by windows where their times stand still', () => {
    const listener = new Listener().hear(SPEECH, 3);
    for (let window = 0; window < 17; window++) expect(listener.detector.push(SILENCE, 96)).to.equal(undefined);
    expect(listener.detector.push(SILENCE, 96)).to.equal('end');
  });

  it('alternates starts and ends, whatever it hears', () => {
    const probability = fc.oneof(fc.constantFrom(SPEECH, SPEECH, SILENCE, BETWEEN, NaN), fc.double());
    fc.assert(
      fc.property(fc.array(fc.tuple(probability, fc.integer({ min: 1, max: 20 })), { maxLength: 60 }), (runs) => {
        const listener = new Listener();
        for (const [value, windows] of runs) listener.hear(value, windows);
        for (const [index, [change]] of listener.changes.entries()) {
          expect(change).to.equal(index % 2 === 0 ? 'start' : 'end');
        }
        expect(listener.detector.speaking).to.equal(listener.changes.length % 2 === 1);
        expect(listener.detector.speechMs).to.be.at.most(listener.nowMs);
      }),
    );
  });
});
