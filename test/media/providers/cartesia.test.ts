import { expect } from 'chai';
import { CartesiaSockets } from '../../../media/providers/cartesia-sockets.ts';
import { CartesiaSpeech, type CartesiaSpeechOptions } from '../../../media/providers/cartesia.ts';
import type { SpokenAudio } from '../../../media/providers/provider.ts';
import { collect } from '../../support/collect.ts';
import { eventually } from '../../support/eventually.ts';
import { CARTESIA_KEY, CARTESIA_VOICE, CartesiaServer, WORD_MS } from '../../support/vendors/cartesia-server.ts';
import type { Fault } from '../../support/vendors/vendor-server.ts';

const never = new AbortController().signal;
/** Longer than a busy machine takes; a test that waits for one to be missed makes that one short. */
const LONG = { connectMs: 15_000, firstResultMs: 15_000, stallMs: 15_000 };
const CLAUSES = ['Good morning to you.', 'How are you?'];

describe('a voice of Cartesia', () => {
  let server: CartesiaServer;
  let sockets: CartesiaSockets;

  beforeEach(async () => {
    server = await CartesiaServer.start();
    sockets = new CartesiaSockets({ apiKey: CARTESIA_KEY, baseUrl: server.vendor.url, connectMs: 15_000 });
  });
  afterEach(async () => {
    sockets.close();
    await server.close();
  });

  function voice(options: Partial<CartesiaSpeechOptions> = {}): CartesiaSpeech {
    return new CartesiaSpeech({ sockets, model: 'sonic-3.5', sampleRateHz: 24_000, timeouts: LONG, ...options });
  }

  function say(clauses: readonly string[] = CLAUSES, options: Partial<CartesiaSpeechOptions> = {}) {
    return collect(voice(options).speak(each(clauses), CARTESIA_VOICE, never));
  }

  async function failure(fault: Fault, timeouts = LONG) {
    server.vendor.server.faults.push(fault);
    return say(CLAUSES, { timeouts });
  }

  it('speaks clauses in one context, each text with the first of its audio', async () => {
    const { items, error } = await say();
    expect(error).to.equal(undefined);
    expect(items.map(({ text }) => text).filter(Boolean)).to.deep.equal(CLAUSES);
    expect(items[0]!.text).to.equal(CLAUSES[0]);
    expect(secondsOf(items)).to.be.closeTo((7 * WORD_MS) / 1000, 1e-6);
    expect(new Set(server.inputs.map(({ context_id: id }) => id)).size).to.equal(1);
    const second = items.findIndex(({ text }) => text === CLAUSES[1]);
    expect(secondsOf(items.slice(0, second))).to.be.closeTo((4 * WORD_MS) / 1000, 1e-6);
  });

  it('brings all samples in their order', async () => {
    const { items } = await say();
    const samples = items.flatMap(({ pcm }) => [...pcm.samples]);
    expect(samples).to.deep.equal(samples.map((_, index) => index));
  });

  for (const timesPerFlush of [false, true]) {
    it(`tells where each word lies (times ${timesPerFlush ? 'from the flush' : 'from the context'})`, async () => {
      server.timesPerFlush = timesPerFlush;
      const clauses = ['One two three four five six seven.', 'Eight nine.', 'Ten.'];
      const { items } = await say(clauses);
      const words = wordsOf(items);
      expect(words.map(({ word }) => word)).to.deep.equal(clauses.join(' ').split(' '));
      for (const [index, { startMs, endMs }] of words.entries()) {
        expect(startMs).to.be.closeTo(index * WORD_MS, 0.01);
        expect(endMs).to.be.closeTo((index + 1) * WORD_MS, 0.01);
      }
    });
  }

  it('begins before the text is complete', async () => {
    const rest = Promise.withResolvers<undefined>();
    async function* slowly() {
      yield CLAUSES[0]!;
      await rest.promise;
      yield CLAUSES[1]!;
    }
    const spoken = voice().speak(slowly(), CARTESIA_VOICE, never);
    expect((await spoken.next()).value).to.include({ text: CLAUSES[0] });
    rest.resolve(undefined);
    const { items, error } = await collect(spoken);
    expect(error).to.equal(undefined);
    expect(items.map(({ text }) => text).filter(Boolean)).to.deep.equal([CLAUSES[1]]);
  });

  it('goes on in a new context where the text pauses for longer than one lives', async () => {
    server.expireMs = 5;
    const rest = Promise.withResolvers<undefined>();
    async function* haltingly() {
      yield CLAUSES[0]!;
      await rest.promise;
      yield CLAUSES[1]!;
    }
    const spoken = voice().speak(haltingly(), CARTESIA_VOICE, never);
    const heard: SpokenAudio[] = [];
    while (wordsOf(heard).length < 4) heard.push((await spoken.next()).value as SpokenAudio);
    await new Promise((resolve) => setTimeout(resolve, 30));
    rest.resolve(undefined);
    const { items, error } = await collect(spoken);
    expect(error).to.equal(undefined);
    const words = wordsOf([...heard, ...items]);
    expect(words.map(({ word }) => word).join(' ')).to.equal(CLAUSES.join(' '));
    expect(words.at(-1)!.endMs).to.be.closeTo(7 * WORD_MS, 0.01);
    expect(new Set(server.inputs.map(({ context_id: id }) => id)).size).to.equal(2);
  });

  it('leaves out what has nothing to pronounce', async () => {
    const { items, error } = await say(['...', 'Hello.', '–']);
    expect(error).to.equal(undefined);
    expect(items.map(({ text }) => text).filter(Boolean)).to.deep.equal(['Hello.']);
    expect(await say(['...'])).to.deep.equal({ items: [], error: undefined });
  });

  it('shares a socket, warm from the start, over all replies', async () => {
    await voice().warm();
    expect(server.vendor.handshakes).to.equal(1);
    const replies = await Promise.all(Array.from({ length: 8 }, () => say()));
    for (const { items, error } of replies) {
      expect(error).to.equal(undefined);
      expect(secondsOf(items)).to.be.closeTo((7 * WORD_MS) / 1000, 1e-6);
    }
    expect(server.vendor.handshakes).to.equal(1);
  });

  it('opens another socket when the one has gone', async () => {
    await say();
    for (const kind of ['cut', 'ends-early'] as const) {
      expect((await failure({ kind, after: 0 })).error).to.include({ code: 'connection_lost' });
      expect((await say()).error).to.equal(undefined);
    }
    expect(server.vendor.handshakes).to.equal(3);
  });

  describe('after an abort', () => {
    it('says nothing more, cancels its context, drops late audio and keeps the socket', async () => {
      const abort = new AbortController();
      server.vendor.server.faults.push({ kind: 'stalled', after: 2 });
      const spoken = voice().speak(each(CLAUSES), CARTESIA_VOICE, abort.signal);
      await spoken.next();
      await spoken.next();
      const next = spoken.next();
      abort.abort();
      expect(await next).to.deep.equal({ done: true, value: undefined });
      await eventually(() => server.cancelled === 1);
      expect((await say()).error).to.equal(undefined);
      expect(server.vendor.handshakes).to.equal(1);
    });

    it('drops what it had and nobody had read', async () => {
      const abort = new AbortController();
      const spoken = voice().speak(each(CLAUSES), CARTESIA_VOICE, abort.signal);
      await spoken.next();
      abort.abort();
      expect(await spoken.next()).to.deep.equal({ done: true, value: undefined });
    });

    it('lets go of a source that never ends', async () => {
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
      const next = voice().speak(source, CARTESIA_VOICE, abort.signal).next();
      abort.abort();
      expect(await next).to.deep.equal({ done: true, value: undefined });
      expect(released).to.equal(true);
    });

    it('waits for no handshake', async () => {
      const abort = new AbortController();
      server.vendor.handshakeFaults.push({ kind: 'silent' });
      const next = voice().speak(each(CLAUSES), CARTESIA_VOICE, abort.signal).next();
      await eventually(() => server.vendor.handshakes === 1);
      abort.abort();
      expect(await next).to.deep.equal({ done: true, value: undefined });
    });
  });

  it('cancels its context when its reader leaves', async () => {
    server.vendor.server.faults.push({ kind: 'stalled', after: 2 });
    for await (const audio of voice().speak(each(CLAUSES), CARTESIA_VOICE, never)) {
      expect(audio.text).to.equal(CLAUSES[0]);
      break;
    }
    await eventually(() => server.cancelled === 1);
  });

  it('passes on the failure of its source, after what could be said', async () => {
    async function* failing() {
      yield 'Hello.';
      await new Promise((resolve) => setTimeout(resolve, 50));
      throw new Error('the model is gone');
    }
    const { items, error } = await collect(voice().speak(failing(), CARTESIA_VOICE, never));
    expect(items[0]).to.include({ text: 'Hello.' });
    expect(error).to.have.property('message', 'the model is gone');
  });

  describe('fails by a code', () => {
    it('where the key is wrong, for good', async () => {
      const wrong = new CartesiaSockets({ apiKey: 'sk_car_wrong', baseUrl: server.vendor.url, connectMs: 15_000 });
      const { error } = await say(CLAUSES, { sockets: wrong });
      expect(error).to.include({ code: 'unauthorized', retryable: false, status: 401 });
      expect((error as Error).message).not.to.include('sk_car_wrong');
      wrong.close();
    });

    it('where it has no such model or voice', async () => {
      expect((await say(CLAUSES, { model: 'sonic-0' })).error).to.include({ code: 'unknown_model', retryable: false });
      const { error } = await collect(voice().speak(each(CLAUSES), 'nobody', never));
      expect(error).to.include({ code: 'unknown_model', retryable: false });
    });

    it('where there are too many connections, or contexts', async () => {
      server.vendor.handshakeFaults.push({ kind: 'status', status: 429, retryAfter: '3' });
      expect((await say()).error).to.include({ code: 'rate_limited', retryable: true, retryAfterMs: 3_000 });
      const { error } = await failure({ kind: 'status', status: 429 });
      expect(error).to.include({ code: 'rate_limited', retryable: true });
    });

    it('where the handshake is not answered', async () => {
      server.vendor.handshakeFaults.push({ kind: 'silent' });
      const hasty = new CartesiaSockets({ apiKey: CARTESIA_KEY, baseUrl: server.vendor.url, connectMs: 200 });
      expect((await say(CLAUSES, { sockets: hasty })).error).to.include({ code: 'connect_timed_out', retryable: true });
      hasty.close();
      await eventually(() => server.vendor.server.openSockets === 0);
    });

    it('where no audio comes', async () => {
      const { error } = await failure({ kind: 'silent' }, { ...LONG, firstResultMs: 200 });
      expect(error).to.include({ code: 'first_result_timed_out', retryable: true });
      await eventually(() => server.cancelled === 1);
    });

    it('where the audio stops coming', async () => {
      const { error, items } = await failure({ kind: 'stalled', after: 2 }, { ...LONG, stallMs: 200 });
      expect(error).to.include({ code: 'stalled', retryable: true });
      expect(wordsOf(items).map(({ word }) => word)).to.include('Good');
    });

    for (const kind of ['cut', 'half-closed', 'ends-early'] as const) {
      it(`where the connection is lost in the middle of a word (${kind})`, async () => {
        const { error, items } = await failure({ kind, after: 2 });
        expect(error).to.include({ code: 'connection_lost', retryable: true });
        expect(secondsOf(items)).to.be.at.least((2 * WORD_MS) / 1000);
      });
    }

    it('where what comes is malformed', async () => {
      const { error } = await failure({ kind: 'malformed', after: 1 });
      expect(error).to.include({ code: 'malformed_response', retryable: true });
      expect((await say()).error).to.equal(undefined);
    });

    it('where nobody listens', async () => {
      await server.close();
      expect((await say()).error).to.include({ code: 'connect_failed', retryable: true });
    });

    it('where it was closed', async () => {
      sockets.close();
      expect((await say()).error).to.include({ code: 'closed', retryable: false });
    });
  });

  it('waits for one that is slow', async () => {
    const { error, items } = await failure({ kind: 'slow', ms: 50 });
    expect(error).to.equal(undefined);
    expect(secondsOf(items)).to.be.closeTo((7 * WORD_MS) / 1000, 1e-6);
  });
});

async function* each(clauses: readonly string[]) {
  yield* clauses;
}

function secondsOf(pieces: readonly SpokenAudio[]): number {
  return pieces.reduce((seconds, { pcm }) => seconds + pcm.samples.length / pcm.sampleRateHz, 0);
}

/** All words with their times from the start of the first piece. */
function wordsOf(pieces: readonly SpokenAudio[]) {
  return pieces.flatMap(({ words = [] }, index) => {
    const fromMs = secondsOf(pieces.slice(0, index)) * 1000;
    return words.map(({ word, startMs, endMs }) => ({ word, startMs: startMs + fromMs, endMs: endMs + fromMs }));
  });
}
