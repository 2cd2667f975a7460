import { expect } from 'chai';
import * as fc from 'fast-check';
import { VOICES } from '../../../media/agent/agent.ts';
import { compileFlite } from '../../../media/providers/flite-module.ts';
import { FliteVoice } from '../../../media/providers/flite.ts';
import type { SpokenAudio } from '../../../media/providers/provider.ts';
import { speechBounds } from '../../../media/audio/speech-bounds.ts';

const never = new AbortController().signal;

async function* clausesOf(...clauses: string[]): AsyncGenerator<string> {
  yield* clauses;
}

async function* stalling(): AsyncGenerator<string> {
  yield 'Hello.';
  await new Promise(() => undefined);
}

async function* failing(): AsyncGenerator<string> {
  yield 'Hello.';
  throw new Error('the model is gone');
}

describe('FliteVoice', () => {
  let flite: WebAssembly.Module;
  let voice: FliteVoice;

  before(async () => {
    flite = await compileFlite();
    voice = new FliteVoice({ module: flite, sampleRateHz: 24_000 });
    await voice.warm();
  });
  after(() => voice.close());

  async function say(clauses: string[], name = 'slt', signal = never, by = voice): Promise<SpokenAudio[]> {
    const spoken: SpokenAudio[] = [];
    for await (const audio of by.speak(clausesOf(...clauses), name, signal)) spoken.push(audio);
    return spoken;
  }

  /** Lengths of silence, speech and silence, in ms. */
  async function shape(clause: string, name = 'slt') {
    const [audio] = await say([clause], name);
    const { samples, sampleRateHz } = audio!.pcm;
    const { start, end } = speechBounds(samples, sampleRateHz, 38)!;
    const ms = (count: number) => (1000 * count) / sampleRateHz;
    return { leadMs: ms(start), speechMs: ms(end - start), tailMs: ms(samples.length - end) };
  }

  for (const name of VOICES) {
    it(`speaks as ${name}: at once, loud and for about as long as a person`, async () => {
      const { leadMs, speechMs } = await shape('How can I help you today?', name);
      expect(leadMs).to.be.at.most(30);
      expect(speechMs).to.be.within(900, 2200);
      const [audio] = await say(['How can I help you today?'], name);
      expect(Math.max(...audio!.pcm.samples)).to.be.within(5000, 32_767);
    });
  }

  it('yields each clause with its text, in order', async () => {
    const spoken = await say(['Hello,', 'I am a parrot.', 'Who are you?']);
    expect(spoken.map(({ text }) => text)).to.deep.equal(['Hello,', 'I am a parrot.', 'Who are you?']);
    expect(new Set(spoken.map(({ pcm }) => pcm.sampleRateHz))).to.deep.equal(new Set([24_000]));
  });

  it('yields a clause as soon as it is there, whether or not the next one is', async () => {
    for await (const { text } of voice.speak(stalling(), 'slt', never)) {
      expect(text).to.equal('Hello.');
      break;
    }
  });

  it('pauses longer after a sentence than after a part of one', async () => {
    // Some 20 ms either way: where speech ends is a question of its level.
    expect((await shape('one')).tailMs).to.be.within(40, 90);
    expect((await shape('one,')).tailMs).to.be.within(100, 150);
    expect((await shape('one.')).tailMs).to.be.within(230, 280);
    expect((await shape('"one!"')).tailMs).to.be.within(230, 280);
  });

  it('speaks at 48 kHz as well, the same length', async () => {
    const studio = new FliteVoice({ module: flite, sampleRateHz: 48_000 });
    try {
      const [[wide], [narrow]] = await Promise.all([say(['Hello.'], 'slt', never, studio), say(['Hello.'])]);
      expect(wide!.pcm.sampleRateHz).to.equal(48_000);
      expect(wide!.pcm.samples.length).to.equal(2 * narrow!.pcm.samples.length);
      expect(wide!.cacheKey).not.to.equal(narrow!.cacheKey);
    } finally {
      await studio.close();
    }
  });

  describe('what it said before', () => {
    it('comes from memory: the same samples under the same key', async () => {
      const [[first], [again]] = [await say(['Seven,']), await say(['Seven,'])];
      expect(again!.pcm.samples).to.equal(first!.pcm.samples);
      expect(again!.cacheKey).to.equal(first!.cacheKey);
    });

    it('is another thing in another voice or with another text', async () => {
      const spoken = [...(await say(['Seven,', 'Seven.'])), ...(await say(['Seven,'], 'rms'))];
      expect(new Set(spoken.map(({ cacheKey }) => cacheKey)).size).to.equal(3);
    });

    it('is synthesised once for all who ask at the same time', async () => {
      const spoken = await Promise.all([1, 2, 3].map(() => say(['At the same time.'])));
      expect(new Set(spoken.map(([audio]) => audio!.pcm.samples)).size).to.equal(1);
    });

    it('is still spoken for the others when one of them no longer wants it', async () => {
      const abort = new AbortController();
      const leaving = say(['Stay with me.'], 'slt', abort.signal);
      const staying = say(['Stay with me.']);
      abort.abort();
      expect(await leaving).to.deep.equal([]);
      expect(await staying).to.have.length(1);
    });

    it('is forgotten, the oldest first, when it takes too much room', async () => {
      const forgetful = new FliteVoice({ module: flite, sampleRateHz: 24_000, cacheBytes: 60_000 });
      try {
        const [first] = await say(['One.'], 'slt', never, forgetful);
        await say(['Two.', 'Three.', 'Four.'], 'slt', never, forgetful);
        const [again] = await say(['One.'], 'slt', never, forgetful);
        expect(again!.pcm.samples).not.to.equal(first!.pcm.samples);
        expect(again!.pcm.samples).to.deep.equal(first!.pcm.samples);
      } finally {
        await forgetful.close();
      }
    });
  });

  describe('after an abort', () => {
    it('says nothing, and lets go of a source that never ends', async () => {
      const abort = new AbortController();
      let released = false;
      const source: AsyncIterable<string> = {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise(() => undefined),
          return: async () => {
            released = true;
            return { done: true, value: undefined };
          },
        }),
      };
      const next = voice.speak(source, 'slt', abort.signal).next();
      abort.abort();
      expect(await next).to.deep.equal({ done: true, value: undefined });
      expect(released).to.equal(true);
    });

    it('yields no clause that was on its way', async () => {
      const abort = new AbortController();
      const spoken = say(['This one is on its way.'], 'slt', abort.signal);
      await Promise.resolve();
      abort.abort();
      expect(await spoken).to.deep.equal([]);
    });

    it('yields nothing when it was aborted before', async () => {
      expect(await say(['Hello.'], 'slt', AbortSignal.abort())).to.deep.equal([]);
    });
  });

  it('passes on the failure of its source', async () => {
    const texts: string[] = [];
    const run = async () => {
      for await (const { text } of voice.speak(failing(), 'slt', never)) texts.push(text);
    };
    const error: unknown = await run().catch((reason: unknown) => reason);
    expect(error).to.have.property('message', 'the model is gone');
    expect(texts).to.deep.equal(['Hello.']);
  });

  it('refuses a voice that it does not have, by a code', async () => {
    const error: unknown = await say(['Hello.'], '../../etc/passwd').catch((reason: unknown) => reason);
    expect(error).to.include({ code: 'unknown_voice', retryable: false });
  });

  describe('hostile text', () => {
    it('is spoken, never taken for an option', async () => {
      for (const text of ['-lv', '--help now', '-o /tmp/elsewhere.wav', '-f /etc/passwd']) {
        const [audio] = await say([text]);
        expect(audio?.text).to.equal(text);
        expect(audio!.pcm.samples.length).to.be.above(24_000 / 10);
      }
    });

    it('is left out where there is nothing to pronounce', async () => {
      expect(await say(['', '   ', '...', '👋', '日本語', '\0\x07', 'Hello.'])).to.have.length(1);
    });

    it('comes in pieces when it is long, its text with the first', async () => {
      const spoken = await say(['so '.repeat(100)], 'kal16');
      expect(spoken.map(({ text }) => text)).to.deep.equal(['so '.repeat(100), '']);
    });

    it('neither stops nor silences it', async () => {
      const awkward = fc.constantFrom(
        '-',
        '<speak>',
        '&amp;',
        '1e999',
        '0x1F',
        '12:30',
        '%s%n',
        '\\',
        '"',
        '`',
        '$5.20',
        'xzqj',
      );
      const text = fc.oneof(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.array(awkward, { maxLength: 8 }).map((a) => a.join(' ')),
      );
      await fc.assert(
        fc.asyncProperty(text, async (clause) => {
          const [hostile, after] = [await say([clause], 'kal16'), await say(['Still here.'], 'kal16')];
          for (const { pcm } of hostile) expect(pcm.samples).to.be.instanceOf(Int16Array);
          expect(after[0]!.pcm.samples.length).to.be.above(0);
        }),
        { numRuns: 40 },
      );
    });
  });

  it('fails, after it was closed, what it has not said before', async () => {
    const closed = new FliteVoice({ module: flite, sampleRateHz: 24_000 });
    await closed.close();
    await closed.close();
    const error: unknown = await say(['Hello.'], 'slt', never, closed).catch((reason: unknown) => reason);
    expect(error).to.include({ code: 'closed' });
  });
});
