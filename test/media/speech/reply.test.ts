import { expect } from 'chai';
import type {
  Message,
  ReplyPart,
  Responder,
  SpokenAudio,
  TextToSpeech,
  TurnAudio,
  TurnInput,
} from '../../../media/providers/provider.ts';
import { ReplyGenerator } from '../../../media/speech/reply.ts';
import { newSpeech, RATE_HZ } from '../../support/playout-line.ts';
import { eventually } from '../../support/eventually.ts';

const CLAUSE_SAMPLES = 480;
const TURN: TurnInput = { turnId: 't1', speechMs: 1000, endpointingMs: 550, turnIndex: 0 };

/** Says each clause as one frame whose samples are the clause's number. */
class FakeVoice implements TextToSpeech {
  readonly name = 'fake';
  readonly runs: string[][] = [];
  readonly voices: string[] = [];
  failing = false;
  signal: AbortSignal | undefined;
  #clauses = 0;

  async *speak(clauses: AsyncIterable<string>, voice: string, signal: AbortSignal): AsyncIterable<SpokenAudio> {
    const run: string[] = [];
    this.runs.push(run);
    this.voices.push(voice);
    this.signal = signal;
    for await (const text of clauses) {
      if (this.failing) throw new Error('no voice');
      if (signal.aborted) return;
      run.push(text);
      const samples = new Int16Array(CLAUSE_SAMPLES).fill(++this.#clauses);
      yield { pcm: { samples, sampleRateHz: RATE_HZ }, text };
    }
  }
}

/** Answers with these parts; a promise among them is waited for. */
class FakeResponder implements Responder {
  readonly asked: { turn: TurnInput; history: readonly Message[] }[] = [];
  signal: AbortSignal | undefined;
  closed = false;
  readonly #parts: (ReplyPart | Promise<ReplyPart> | Error)[];

  constructor(...parts: (ReplyPart | Promise<ReplyPart> | Error)[]) {
    this.#parts = parts;
  }

  async *respond(turn: TurnInput, history: readonly Message[], signal: AbortSignal): AsyncGenerator<ReplyPart> {
    this.asked.push({ turn, history });
    this.signal = signal;
    try {
      for (const part of this.#parts) {
        if (part instanceof Error) throw part;
        yield await part;
      }
    } finally {
      this.closed = true;
    }
  }
}

const say = (text: string): ReplyPart => ({ type: 'text', text });
const never = () => new Promise<never>(() => undefined);

function playBack(...values: number[]): ReplyPart {
  const audio: TurnAudio = {
    durationMs: values.length * 20,
    pcm: () => values.map((value) => new Int16Array(CLAUSE_SAMPLES).fill(value)),
  };
  return { type: 'audio', audio, text: '[plays back]' };
}

describe('ReplyGenerator', () => {
  let voice: FakeVoice;
  let abort: AbortController;
  let speech: ReturnType<typeof newSpeech>;

  beforeEach(() => {
    voice = new FakeVoice();
    abort = new AbortController();
    speech = newSpeech('t1');
  });

  function generator(responder: Responder): ReplyGenerator {
    return new ReplyGenerator({ responder, textToSpeech: voice, voice: 'slt', rateHz: RATE_HZ });
  }

  const answer = (responder: Responder) => generator(responder).answer(TURN, [], speech, abort.signal);

  /** The value of each frame of the speech. */
  function frames(): number[] {
    const frame = new Int16Array(CLAUSE_SAMPLES);
    return Array.from({ length: speech.length / CLAUSE_SAMPLES }, (_, n) => {
      speech.read(n * CLAUSE_SAMPLES, frame);
      return frame[0]!;
    });
  }

  const rejection = (work: Promise<void>) =>
    work.then(
      () => undefined,
      (error: Error) => error.message,
    );

  it('hands the turn and the history to the responder', async () => {
    const responder = new FakeResponder(say('Yes.'));
    const history: Message[] = [{ role: 'user', text: 'Hello?' }];
    await generator(responder).answer(TURN, history, speech, abort.signal);
    expect(responder.asked).to.deep.equal([{ turn: TURN, history }]);
  });

  it('speaks by clause, in the voice asked for, and ends the speech', async () => {
    await answer(new FakeResponder(say('Yes, of co'), say('urse. I will look. ')));
    expect(voice.runs).to.deep.equal([['Yes,', 'of course.', 'I will look.']]);
    expect(voice.voices).to.deep.equal(['slt']);
    expect(frames()).to.deep.equal([1, 2, 3]);
    expect(speech.text).to.equal('Yes, of course. I will look.');
    expect(speech.ended).to.equal(true);
  });

  it('speaks a clause while the responder still thinks about the next', async () => {
    let go = (_part: ReplyPart) => {};
    const later = new Promise<ReplyPart>((resolve) => (go = resolve));
    const answered = answer(new FakeResponder(say('First sentence. And '), later));
    await eventually(() => speech.length > 0);
    expect(speech.text).to.equal('First sentence.');
    expect(speech.ended).to.equal(false);
    go(say('then.'));
    await answered;
    expect(speech.text).to.equal('First sentence. And then.');
  });

  it('keeps text and audio in their order', async () => {
    await answer(new FakeResponder(say('One. '), playBack(101, 102), say('Two. '), say('Three.'), playBack(103)));
    expect(frames()).to.deep.equal([1, 101, 102, 2, 3, 103]);
    expect(voice.runs).to.deep.equal([['One.'], ['Two.', 'Three.']]);
    expect(speech.text).to.equal('One. [plays back] Two. Three. [plays back]');
  });

  it('says a text without asking the responder', async () => {
    const responder = new FakeResponder();
    await generator(responder).say('Hello. How are you?', speech, abort.signal);
    expect(responder.asked).to.deep.equal([]);
    expect(speech.text).to.equal('Hello. How are you?');
    expect(speech.ended).to.equal(true);
  });

  it('ends an empty reply as well', async () => {
    await answer(new FakeResponder());
    await generator(new FakeResponder()).say('', newSpeech('t2'), abort.signal);
    expect(speech).to.include({ length: 0, ended: true });
  });

  describe('when aborted', () => {
    it('adds nothing more, rejects, and lets the responder end', async () => {
      let go = (_part: ReplyPart) => {};
      const later = new Promise<ReplyPart>((resolve) => (go = resolve));
      const responder = new FakeResponder(say('First sentence. '), later, say('Third sentence.'));
      const outcome = rejection(answer(responder));
      await eventually(() => speech.length > 0);
      abort.abort(new Error('cut in'));
      expect(responder.signal!.aborted).to.equal(true);
      expect(voice.signal!.aborted).to.equal(true);
      go(say('Second sentence. '));
      expect(await outcome).to.equal('cut in');
      expect(speech).to.include({ text: 'First sentence.', ended: false });
      await eventually(() => responder.closed);
    });

    it('stops a playback', async () => {
      function* pcm() {
        for (let n = 1; n <= 100; n++) {
          if (n === 3) abort.abort(new Error('cut in'));
          yield new Int16Array(CLAUSE_SAMPLES).fill(n);
        }
      }
      const audio: TurnAudio = { durationMs: 2000, pcm };
      const outcome = await rejection(answer(new FakeResponder({ type: 'audio', audio, text: '' })));
      expect(outcome).to.equal('cut in');
      expect(frames()).to.deep.equal([1, 2, 3]);
    });

    it('before it began, says nothing', async () => {
      abort.abort(new Error('cut in'));
      expect(await rejection(answer(new FakeResponder(say('One.'))))).to.equal('cut in');
      expect(speech).to.include({ length: 0, ended: false });
    });
  });

  describe('when something fails', () => {
    it('rejects with what the responder says, and keeps what was said before', async () => {
      const outcome = await rejection(answer(new FakeResponder(say('First sentence. '), new Error('no answer'))));
      expect(outcome).to.equal('no answer');
      expect(speech).to.include({ text: 'First sentence.', ended: false });
    });

    it('gives up a reply of which nothing can be heard in time, and lets the responder go', async () => {
      const responder = new FakeResponder(never());
      const impatient = {
        responder,
        textToSpeech: voice,
        voice: 'slt',
        rateHz: RATE_HZ,
        timeoutMs: 5,
      } as const;
      const reply = new ReplyGenerator(impatient).answer(TURN, [], speech, abort.signal);
      const outcome: unknown = await reply.catch((error: unknown) => error);
      expect(outcome).to.include({ code: 'reply_overdue' });
      expect(responder.signal?.aborted).to.equal(true);
    });

    it('rejects at once when the voice fails, though the responder still thinks', async () => {
      voice.failing = true;
      const responder = new FakeResponder(say('First sentence. And '), never());
      expect(await rejection(answer(responder))).to.equal('no voice');
      expect(responder.signal!.aborted, 'it need not think any longer').to.equal(true);
      expect(abort.signal.aborted).to.equal(false);
    });
  });
});
