import { expect } from 'chai';
import * as fc from 'fast-check';
import type { SpokenAudio, WordTime } from '../../../media/providers/provider.ts';
import { SpeechAudio } from '../../../media/speech/speech-audio.ts';

const RATE_HZ = 24_000;
const FRAME = 480;

const speech = () => new SpeechAudio({ turnId: 't1', sampleRateHz: RATE_HZ, frameSamples: FRAME });

/** A piece whose samples all have one value. */
function piece(
  text: string,
  samples: number,
  more: { value?: number; cacheKey?: string; words?: WordTime[] } = {},
): SpokenAudio {
  const { value = 1000, ...rest } = more;
  return { pcm: { samples: new Int16Array(samples).fill(value), sampleRateHz: RATE_HZ }, text, ...rest };
}

function frameAt(audio: SpeechAudio, position: number): Int16Array {
  const frame = new Int16Array(FRAME);
  audio.read(position, frame);
  return frame;
}

const words = (...times: [string, number, number][]): WordTime[] =>
  times.map(([word, startMs, endMs]) => ({ word, startMs, endMs }));

describe('SpeechAudio', () => {
  describe('frames', () => {
    it('are ready when all of them is there, or when nothing more will come', () => {
      const audio = speech();
      expect(audio.frameReady(0)).to.equal(false);
      audio.append(piece('one', FRAME + 100));
      expect(audio.frameReady(0)).to.equal(true);
      expect(audio.frameReady(FRAME)).to.equal(false);
      audio.end();
      expect(audio.frameReady(FRAME)).to.equal(true);
      expect(audio.frameReady(2 * FRAME)).to.equal(false);
    });

    it('span pieces without a seam, and end in silence', () => {
      const audio = speech();
      audio.append(piece('one', 300, { value: 1 }));
      audio.append(piece('two', 300, { value: 2 }));
      audio.end();
      expect([...frameAt(audio, 0)]).to.deep.equal([...Array(300).fill(1), ...Array(180).fill(2)]);
      expect([...frameAt(audio, FRAME)]).to.deep.equal([...Array(120).fill(2), ...Array(360).fill(0)]);
    });

    it('are finished only when nothing more will come', () => {
      const audio = speech();
      audio.append(piece('one', FRAME));
      expect(audio.finishedAt(FRAME)).to.equal(false);
      audio.end();
      expect(audio.finishedAt(FRAME)).to.equal(true);
      expect(audio.finishedAt(0)).to.equal(false);
    });

    it('takes no audio of another rate', () => {
      const wrong = { pcm: { samples: new Int16Array(FRAME), sampleRateHz: 16_000 }, text: 'one' };
      expect(() => speech().append(wrong)).to.throw(RangeError, '16000 Hz');
    });
  });

  describe('clips', () => {
    it('begin on a frame, whatever came before', () => {
      const audio = speech();
      audio.append(piece('one', 100));
      audio.append(piece('two', 2 * FRAME, { cacheKey: 'two' }));
      expect(audio.clipAt(0)).to.equal(undefined);
      expect(audio.clipAt(FRAME)).to.include({ key: 'two', index: 0 });
      expect(audio.clipAt(2 * FRAME)).to.include({ key: 'two', index: 1 });
      expect(audio.clipAt(3 * FRAME)).to.equal(undefined);
    });

    it('fill their last frame alone, so that no sample after them is lost in it', () => {
      const audio = speech();
      audio.append(piece('clip', 100, { value: 1, cacheKey: 'clip' }));
      audio.append(piece('speech', FRAME, { value: 2 }));
      expect(audio.clipAt(0)).to.include({ key: 'clip', index: 0 });
      expect([...frameAt(audio, 0)].includes(2)).to.equal(false);
      expect([...frameAt(audio, FRAME)]).to.deep.equal(Array(FRAME).fill(2));
    });

    it('are ready to their end before anything follows', () => {
      const audio = speech();
      audio.append(piece('clip', FRAME + 1, { cacheKey: 'clip' }));
      expect(audio.frameReady(FRAME)).to.equal(true);
    });
  });

  describe('text', () => {
    it('has been heard by word times where there are any', () => {
      const audio = speech();
      audio.append(piece('one two', RATE_HZ, { words: words(['one', 0, 300], ['two', 400, 900]) }));
      const heardAt = (ms: number) => audio.heardText((RATE_HZ / 1000) * ms);
      expect([0, 299, 300, 899, 900, 2000].map(heardAt)).to.deep.equal([
        '', '', 'one', 'one', 'one two', 'one two',
      ]); // prettier-ignore
    });

    it('has been heard by the share of the audio where there are none', () => {
      const audio = speech();
      audio.append(piece('one two three four', RATE_HZ));
      expect(audio.heardText(RATE_HZ / 2)).to.equal('one two');
      expect(audio.heardText(RATE_HZ / 2 - 1)).to.equal('one');
      expect(audio.heardText(RATE_HZ)).to.equal('one two three four');
    });

    describe('of a clause that comes in pieces', () => {
      /** Four words of 250 ms, in four pieces, of which the first has the text. */
      function streamed(timed: boolean): SpeechAudio {
        const audio = speech();
        ['Four words in pieces.', '', '', ''].forEach((text, n) => {
          const word = words([['Four', 'words', 'in', 'pieces'][n]!, 0, 250]);
          audio.append(piece(text, RATE_HZ / 4, timed ? { words: word } : {}));
        });
        return audio;
      }
      const heardAt = (audio: SpeechAudio) => (ms: number) => audio.heardText((RATE_HZ / 1000) * ms);

      it('has been heard by the times of its words, wherever they were told', () => {
        const audio = streamed(true);
        expect([249, 250, 500, 999, 1000].map(heardAt(audio))).to.deep.equal([
          '', 'Four', 'Four words', 'Four words in', 'Four words in pieces.',
        ]); // prettier-ignore
        expect(audio.isExactAt(RATE_HZ / 2)).to.equal(true);
      });

      it('has been heard by the share of all of them where there are none', () => {
        const audio = streamed(false);
        expect([250, 500, 999].map(heardAt(audio))).to.deep.equal(['Four', 'Four words', 'Four words in']);
        expect(audio.isExactAt(RATE_HZ / 2)).to.equal(false);
      });

      it('is not taken for whole before the last of them has come', () => {
        const audio = speech();
        audio.append(piece('A clause of which hardly anything has come yet', RATE_HZ / 4));
        expect(audio.heardText(RATE_HZ / 4)).to.equal('A');
        audio.end();
        expect(audio.heardText(RATE_HZ / 4)).to.equal('A clause of which hardly anything has come yet');
      });

      it('is unheard as a whole until its last piece was heard, and is parted at a word', () => {
        const audio = streamed(true);
        expect(audio.unheardText(0.9 * RATE_HZ)).to.equal('Four words in pieces.');
        expect(audio.wholeClauses(0.9 * RATE_HZ)).to.deep.equal({ text: '', durationMs: 0 });
        expect(audio.partedAt(RATE_HZ / 2)).to.include({ heard: 'Four words', rest: 'in pieces.' });
      });

      it('goes on at the start of the broken word', () => {
        expect(streamed(true).resumePosition(0.6 * RATE_HZ, 300)).to.equal(0.5 * RATE_HZ);
      });

      it('keeps its words for as long as it lasts, though its first sound is let go', () => {
        const audio = speech();
        audio.append(piece('A long sound of a voice', RATE_HZ));
        for (let second = 1; second < 10; second++) audio.append(piece('', RATE_HZ));
        audio.release(9 * RATE_HZ);
        expect(frameAt(audio, 0)[0], 'released').to.equal(0);
        expect(audio.heardText(5 * RATE_HZ)).to.equal('A long sound');
      });
    });

    it('is unheard from the beginning of the clause that was broken', () => {
      const audio = speech();
      audio.append(piece('First clause.', RATE_HZ));
      audio.append(piece('Second clause.', RATE_HZ));
      audio.append(piece('', RATE_HZ));
      expect(audio.unheardText(0)).to.equal('First clause.\nSecond clause.');
      expect(audio.unheardText(RATE_HZ)).to.equal('Second clause.');
      expect(audio.unheardText(3 * RATE_HZ)).to.equal('');
      const whole = [0, RATE_HZ, 1.5 * RATE_HZ].map((position) => audio.wholeClauses(position));
      expect(whole).to.deep.equal([
        { text: '', durationMs: 0 },
        { text: 'First clause.', durationMs: 1000 },
        { text: 'First clause.', durationMs: 1000 },
      ]);
    });

    it('is told whole as its pieces begin, and once', () => {
      const audio = speech();
      audio.append(piece('One,', FRAME));
      audio.append(piece('', FRAME));
      audio.append(piece('two.', FRAME));
      const told = [0, 1, FRAME, 2 * FRAME, 2 * FRAME + 1, 3 * FRAME].map((at) => audio.newlyBegunText(at));
      expect(told).to.deep.equal([undefined, 'One,', undefined, undefined, 'One, two.', undefined]);
    });
  });

  describe('after a break', () => {
    it('goes on at the start of the broken word', () => {
      const audio = speech();
      audio.append(piece('one two', RATE_HZ, { words: words(['one', 0, 300], ['two', 400, 900]) }));
      expect(audio.resumePosition(0.7 * RATE_HZ, 300)).to.equal(0.4 * RATE_HZ);
    });

    it('goes on so far back where there are no word times', () => {
      const audio = speech();
      audio.append(piece('one two', 2 * RATE_HZ));
      expect(audio.resumePosition(RATE_HZ, 300)).to.equal(0.7 * RATE_HZ);
      expect(audio.resumePosition(0.2 * RATE_HZ, 300)).to.equal(0);
    });

    it('goes on within what is still there, on a frame, and never further on', () => {
      fc.assert(
        fc.property(
          fc.array(fc.record({ samples: fc.nat(60_000), cached: fc.boolean(), startMs: fc.nat(2000) }), {
            minLength: 1,
          }),
          fc.nat(200),
          fc.nat(2000),
          (pieces, frames, rewindMs) => {
            const audio = speech();
            for (const [index, { samples, cached, startMs }] of pieces.entries()) {
              const timed = index % 2 ? { words: words(['word', startMs, startMs + 100]) } : {};
              audio.append(piece(`p${index}`, samples, { ...timed, ...(cached && { cacheKey: `${index}` }) }));
            }
            const position = Math.min(frames * FRAME, Math.floor(audio.length / FRAME) * FRAME);
            audio.release(position);
            const resumed = audio.resumePosition(position, rewindMs);
            expect(resumed).to.be.within(0, position);
            expect(resumed % FRAME).to.equal(0);
          },
        ),
      );
    });
  });

  describe('memory', () => {
    it('lets go of what is long past, and keeps its text', () => {
      const audio = speech();
      const samples = new Int16Array(RATE_HZ).fill(7);
      for (let second = 0; second < 10; second++) {
        audio.append({ pcm: { samples, sampleRateHz: RATE_HZ }, text: `${second}` });
        audio.newlyBegunText(audio.length);
      }
      audio.release(9 * RATE_HZ);
      expect(frameAt(audio, 0)[0], 'released').to.equal(0);
      expect(frameAt(audio, 6 * RATE_HZ)[0], 'kept to go back to').to.equal(7);
      expect(audio.text).to.equal('0 1 2 3 4 5 6 7 8 9');
      expect(audio.heardText(9 * RATE_HZ)).to.equal('0 1 2 3 4 5 6 7 8');
      audio.append(piece('10', RATE_HZ));
      expect(audio.newlyBegunText(audio.length)).to.equal('0 1 2 3 4 5 6 7 8 9 10');
      expect(audio.resumePosition(9 * RATE_HZ, 2000)).to.equal(7 * RATE_HZ);
    });
  });
});
