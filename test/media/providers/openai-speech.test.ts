import { expect } from 'chai';
import { OpenAiSpeech, type OpenAiSpeechOptions } from '../../../media/providers/openai-speech.ts';
import type { SpokenAudio } from '../../../media/providers/provider.ts';
import { collect } from '../../support/collect.ts';
import { eventually } from '../../support/eventually.ts';
import { OPENAI_KEY, startOpenAiAudio } from '../../support/vendors/openai-audio-server.ts';
import { type Fault, VendorServer } from '../../support/vendors/vendor-server.ts';

const never = new AbortController().signal;
/** Longer than a busy machine takes; a test that waits for one to be missed makes that one short. */
const LONG = { connectMs: 15_000, firstResultMs: 15_000, stallMs: 15_000 };
const CLAUSES = ['Good morning to you.', 'How are you?', 'Well, I hope.'];

describe('a voice of OpenAI', () => {
  let server: VendorServer;

  beforeEach(async () => ({ server } = await startOpenAiAudio()));
  afterEach(() => server.close());

  function voice(options: Partial<OpenAiSpeechOptions> = {}): OpenAiSpeech {
    return new OpenAiSpeech({
      vendor: 'openai',
      baseUrl: `${server.url}/v1`,
      apiKey: OPENAI_KEY,
      model: 'gpt-4o-mini-tts',
      sampleRateHz: 24_000,
      timeouts: LONG,
      ...options,
    });
  }

  function say(options: Partial<OpenAiSpeechOptions> = {}, clauses: readonly string[] = CLAUSES) {
    return collect(voice(options).speak(each(clauses), 'marin', never));
  }

  async function failure(fault: Fault, timeouts = LONG) {
    server.faults.push(fault);
    return say({ timeouts });
  }

  it('speaks clause by clause, in order, each text with the first of its audio', async () => {
    const { items, error } = await say();
    expect(error).to.equal(undefined);
    expect(items.map(({ text }) => text).filter(Boolean)).to.deep.equal(CLAUSES);
    expect(secondsOf(items)).to.be.closeTo(1, 1e-6);
  });

  it('brings all samples, also where chunks end in the middle of one', async () => {
    const { items } = await say({}, CLAUSES.slice(0, 1));
    const samples = items.flatMap(({ pcm }) => [...pcm.samples]);
    expect(samples).to.deep.equal(Array.from({ length: 9_600 }, (_, index) => index));
  });

  it('brings as much at another rate', async () => {
    const { items } = await say({ sampleRateHz: 48_000 });
    expect(new Set(items.map(({ pcm }) => pcm.sampleRateHz))).to.deep.equal(new Set([48_000]));
    expect(secondsOf(items)).to.be.closeTo(1, 1e-6);
  });

  it('begins before the text is complete', async () => {
    const rest = Promise.withResolvers<undefined>();
    async function* slowly() {
      yield CLAUSES[0]!;
      await rest.promise;
      yield CLAUSES[1]!;
    }
    const spoken = voice().speak(slowly(), 'marin', never);
    expect((await spoken.next()).value).to.include({ text: CLAUSES[0] });
    rest.resolve(undefined);
    expect((await collect(spoken)).error).to.equal(undefined);
  });

  it('asks for no more than the clause after the one that is heard', async () => {
    const spoken = voice().speak(each(CLAUSES), 'marin', never);
    await spoken.next();
    await eventually(() => server.requests.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(server.requests).to.have.length(2);
    await collect(spoken);
    expect(server.requests).to.have.length(3);
  });

  it('leaves out what has nothing to pronounce', async () => {
    const { items, error } = await say({}, ['...', 'Hello.', '–']);
    expect(error).to.equal(undefined);
    expect(items.map(({ text }) => text).filter(Boolean)).to.deep.equal(['Hello.']);
  });

  it('says nothing more after an abort, and drops its requests', async () => {
    const abort = new AbortController();
    server.faults.push({ kind: 'stalled', after: 2 });
    const spoken = voice().speak(each(CLAUSES.slice(0, 1)), 'marin', abort.signal);
    await spoken.next();
    const next = collect(spoken);
    abort.abort();
    const { error } = await next;
    expect(error).to.equal(undefined);
    expect(await spoken.next()).to.deep.equal({ done: true, value: undefined });
    await eventually(() => server.abandoned === 1);
  });

  it('lets go of a source that never ends when it is aborted', async () => {
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
    const next = voice().speak(source, 'marin', abort.signal).next();
    abort.abort();
    expect(await next).to.deep.equal({ done: true, value: undefined });
    expect(released).to.equal(true);
  });

  it('drops its requests when its reader leaves', async () => {
    server.faults.push({ kind: 'stalled', after: 2 });
    for await (const audio of voice().speak(each(CLAUSES.slice(0, 1)), 'marin', never)) {
      expect(audio.text).to.equal(CLAUSES[0]);
      break;
    }
    await eventually(() => server.abandoned === 1);
  });

  it('passes on the failure of its source, after what could be said', async () => {
    async function* failing() {
      yield 'Hello.';
      await Promise.resolve();
      throw new Error('the model is gone');
    }
    const { items, error } = await collect(voice().speak(failing(), 'marin', never));
    expect(items[0]).to.include({ text: 'Hello.' });
    expect(error).to.have.property('message', 'the model is gone');
  });

  it('waits for one that is slow', async () => {
    expect((await failure({ kind: 'slow', ms: 50 })).error).to.equal(undefined);
  });

  describe('fails by a code', () => {
    it('where the key is wrong, for good', async () => {
      const { error } = await say({ apiKey: 'sk-wrong' });
      expect(error).to.include({ code: 'unauthorized', retryable: false });
      expect((error as Error).message).not.to.include('sk-wrong');
    });

    it('where it has no such model or voice', async () => {
      expect((await say({ model: 'tts-0' })).error).to.include({ code: 'unknown_model', retryable: false });
      const { error } = await collect(voice().speak(each(CLAUSES), 'nobody', never));
      expect(error).to.include({ code: 'invalid_request', retryable: false });
    });

    it('where there are too many requests', async () => {
      const { error } = await failure({ kind: 'status', status: 429, retryAfter: '2' });
      expect(error).to.include({ code: 'rate_limited', retryable: true, retryAfterMs: 2_000 });
    });

    it('where no answer comes', async () => {
      const { error } = await failure({ kind: 'silent' }, { ...LONG, firstResultMs: 200 });
      expect(error).to.include({ code: 'connect_timed_out', retryable: true });
      await eventually(() => server.openSockets === 0);
    });

    it('where the answer brings no audio', async () => {
      const { error } = await failure({ kind: 'stalled', after: 0 }, { ...LONG, firstResultMs: 200 });
      expect(error).to.include({ code: 'first_result_timed_out', retryable: true });
      const { error: empty } = await failure({ kind: 'ends-early', after: 0 });
      expect(empty).to.include({ code: 'malformed_response', retryable: true });
    });

    it('where the audio stops coming', async () => {
      const { error, items } = await failure({ kind: 'stalled', after: 2 }, { ...LONG, stallMs: 200 });
      expect(error).to.include({ code: 'stalled', retryable: true });
      expect(secondsOf(items)).to.be.above(0);
    });

    for (const kind of ['cut', 'half-closed'] as const) {
      it(`where the connection is lost in the middle of a word (${kind})`, async () => {
        const { error, items } = await failure({ kind, after: 3 });
        expect(error).to.include({ code: 'connection_lost', retryable: true });
        expect(items[0]).to.include({ text: CLAUSES[0] });
      });
    }

    it('where what comes is no audio', async () => {
      const page = { contentType: 'application/json', pieces: ['{"audio":""}'], malformed: '' };
      const gateway = await VendorServer.start({ refusal: () => '{}', handle: () => page });
      const { error, items } = await say({ baseUrl: `${gateway.url}/v1` });
      await gateway.close();
      expect(items).to.deep.equal([]);
      expect(error).to.include({ code: 'malformed_response', retryable: true });
    });

    it('where nobody listens', async () => {
      await server.close();
      expect((await say()).error).to.include({ code: 'connect_failed', retryable: true });
    });
  });
});

async function* each(clauses: readonly string[]) {
  yield* clauses;
}

function secondsOf(pieces: readonly SpokenAudio[]): number {
  return pieces.reduce((seconds, { pcm }) => seconds + pcm.samples.length / pcm.sampleRateHz, 0);
}
