/** What all recognisers of vendors do; what each does beside it is in files of their own. */
import { expect } from 'chai';
import type { VendorTimeouts } from '../../../media/providers/deadline.ts';
import { DeepgramSpeechToText } from '../../../media/providers/deepgram.ts';
import { OpenAiRealtimeTranscription } from '../../../media/providers/openai-realtime-transcription.ts';
import { OpenAiTranscription } from '../../../media/providers/openai-transcription.ts';
import type { SpeechToText, SpeechToTextEvent } from '../../../media/providers/provider.ts';
import { collect } from '../../support/collect.ts';
import { eventually } from '../../support/eventually.ts';
import { DEEPGRAM_KEY, DeepgramServer } from '../../support/vendors/deepgram-server.ts';
import { OPENAI_KEY, startOpenAiAudio } from '../../support/vendors/openai-audio-server.ts';
import { startOpenAiRealtime } from '../../support/vendors/openai-realtime-server.ts';
import { silence, speech } from '../../support/vendors/spoken-words.ts';
import type { Fault } from '../../support/vendors/vendor-server.ts';

const never = new AbortController().signal;
/** Longer than a busy machine takes; a test that waits for one to be missed makes that one short. */
const LONG = { connectMs: 15_000, firstResultMs: 15_000, stallMs: 15_000 };

type Options = { apiKey?: string; model?: string; timeouts?: VendorTimeouts };

/** A vendor's server and how to reach it. */
type Vendor = {
  recogniser(options?: Options): SpeechToText;
  faults: Fault[];
  /** Faults met before the recogniser is ready. */
  connectFaults: Fault[];
  openSockets(): number;
  /** Ways to be lost once something was heard. */
  losses: readonly Fault[];
  close(): Promise<void>;
};

const CUTS = (['cut', 'half-closed', 'ends-early'] as const).map((kind) => ({ kind, after: 3 }));

async function deepgram(model: string): Promise<Vendor> {
  const server = await DeepgramServer.start();
  return {
    recogniser: (options = {}) =>
      new DeepgramSpeechToText({ apiKey: DEEPGRAM_KEY, baseUrl: server.vendor.url, model, timeouts: LONG, ...options }),
    faults: server.vendor.server.faults,
    connectFaults: server.vendor.handshakeFaults,
    openSockets: () => server.vendor.server.openSockets,
    losses: CUTS,
    close: () => server.close(),
  };
}

const vendors: Record<string, () => Promise<Vendor>> = {
  'nova of Deepgram': () => deepgram('nova-3'),
  'Flux of Deepgram': () => deepgram('flux-general-en'),
  'OpenAI, in real time': async () => {
    const server = await startOpenAiRealtime();
    const common = { vendor: 'openai', apiKey: OPENAI_KEY, model: 'gpt-live-transcribe', timeouts: LONG } as const;
    return {
      recogniser: (options = {}) =>
        new OpenAiRealtimeTranscription({ ...common, baseUrl: `${server.url}/v1`, ...options }),
      faults: server.server.faults,
      connectFaults: server.handshakeFaults,
      openSockets: () => server.server.openSockets,
      losses: CUTS,
      close: () => server.close(),
    };
  },
  'OpenAI, by utterance': async () => {
    const { server, hears } = await startOpenAiAudio();
    hears('two pizzas please');
    const common = { vendor: 'openai', apiKey: OPENAI_KEY, model: 'whisper-1', timeouts: LONG } as const;
    return {
      recogniser: (options = {}) => new OpenAiTranscription({ ...common, baseUrl: `${server.url}/v1`, ...options }),
      faults: server.faults,
      connectFaults: server.faults,
      openSockets: () => server.openSockets,
      losses: [
        { kind: 'cut', after: 1 },
        { kind: 'half-closed', after: 1 },
      ],
      close: () => server.close(),
    };
  },
};

for (const [name, start] of Object.entries(vendors)) {
  describe(`a recogniser: ${name}`, () => {
    let vendor: Vendor;

    beforeEach(async () => (vendor = await start()));
    afterEach(() => vendor.close());

    /** Speaks, asks for the rest, and reads until all was heard or it failed. */
    async function hear(options: Options = {}, said = 'two pizzas please'): Promise<SpeechToTextEvent[]> {
      const stream = vendor.recogniser(options).open({ language: 'en-US' }, never);
      stream.write(speech(said));
      stream.flush();
      const events: SpeechToTextEvent[] = [];
      for await (const event of stream) {
        events.push(event);
        if (event.type === 'flushed') break;
      }
      return events;
    }

    async function failure(options: Options = {}, said?: string) {
      const last = (await hear(options, said)).at(-1)!;
      expect(last.type).to.equal('error');
      return (last as Extract<SpeechToTextEvent, { type: 'error' }>).error;
    }

    it('tells what was said, and that all of it was heard', async () => {
      const events = await hear();
      const finals = events.filter(({ type }) => type === 'final');
      expect(finals).to.have.length(1);
      expect(finals[0]).to.include({ text: 'two pizzas please' });
      expect(events.at(-1)).to.deep.equal({ type: 'flushed' });
    });

    it('tells what is said later in finals of its own', async () => {
      const stream = vendor.recogniser().open({}, never);
      const finals: string[] = [];
      let flushed = 0;
      stream.write(speech('two pizzas please'));
      stream.flush();
      for await (const event of stream) {
        if (event.type === 'final') finals.push(event.text);
        if (event.type !== 'flushed') continue;
        if (++flushed === 2) break;
        stream.write(speech('two pizzas please'));
        stream.flush();
      }
      expect(finals).to.deep.equal(['two pizzas please', 'two pizzas please']);
    });

    it('says nothing after an abort, and closes its connection', async () => {
      const abort = new AbortController();
      vendor.faults.push({ kind: 'stalled', after: 0 });
      const stream = vendor.recogniser().open({}, abort.signal);
      stream.write(speech('two pizzas please'));
      stream.flush();
      await eventually(() => vendor.openSockets() > 0);
      const rest = collect(stream);
      abort.abort();
      expect(await rest).to.deep.equal({ items: [], error: undefined });
      await eventually(() => vendor.openSockets() === 0);
      stream.write(speech('two'));
      stream.flush();
      stream.close();
    });

    it('opens nothing when it was aborted before', async () => {
      const stream = vendor.recogniser().open({}, AbortSignal.abort());
      expect(await collect(stream)).to.deep.equal({ items: [], error: undefined });
      expect(vendor.openSockets()).to.equal(0);
    });

    it('closes its connection when it is closed, and when its reader leaves', async () => {
      const stream = vendor.recogniser().open({}, never);
      stream.write(speech('two pizzas please'));
      stream.flush();
      for await (const event of stream) if (event.type === 'flushed') break;
      stream.close();
      stream.close();
      // Connections of HTTP stay for the next utterance.
      if (!vendor.recogniser().perUtterance) await eventually(() => vendor.openSockets() === 0);
    });

    it('waits for one that is slow', async () => {
      vendor.faults.push({ kind: 'slow', ms: 50 });
      expect((await hear()).at(-1)).to.deep.equal({ type: 'flushed' });
    });

    it('keeps what was said while it connects', async () => {
      vendor.connectFaults.push({ kind: 'slow', ms: 100 });
      expect((await hear()).find(({ type }) => type === 'final')).to.include({ text: 'two pizzas please' });
    });

    describe('fails by a code', () => {
      it('where the key is wrong, for good', async () => {
        const error = await failure({ apiKey: 'wrong-key' });
        expect(error).to.include({ name: 'ProviderError', code: 'unauthorized', retryable: false });
        expect(error.message).not.to.include('wrong-key');
      });

      it('where the vendor does not have the model', async () => {
        const error = await failure({ model: name.startsWith('Flux') ? 'flux-of-tomorrow' : 'no-such-model' });
        expect(error).to.include({ name: 'ProviderError', retryable: false });
        expect(error.code).to.be.oneOf(['unknown_model', 'invalid_request']);
      });

      it('where there are too many requests', async () => {
        vendor.connectFaults.push({ kind: 'status', status: 429, retryAfter: '4' });
        expect(await failure()).to.include({ code: 'rate_limited', retryable: true, retryAfterMs: 4_000 });
      });

      it('where it cannot be connected to in time', async () => {
        vendor.connectFaults.push({ kind: 'silent' });
        const error = await failure({ timeouts: { ...LONG, connectMs: 200, firstResultMs: 200 } });
        expect(error).to.include({ code: 'connect_timed_out', retryable: true });
        await eventually(() => vendor.openSockets() === 0);
      });

      it('where no transcript comes', async () => {
        vendor.faults.push({ kind: 'silent' });
        const timeouts = { connectMs: 400, firstResultMs: 400, stallMs: 400 };
        const error = await failure({ timeouts }, 'I would like to have two pizzas please');
        expect(error).to.include({ retryable: true });
        // One that must confirm the session first is not connected before.
        expect(error.code).to.be.oneOf(name.startsWith('OpenAI') ? ['connect_timed_out'] : ['stalled']);
      });

      it('where the connection is lost', async () => {
        for (const loss of vendor.losses) {
          vendor.faults.push(loss);
          expect(await failure(), loss.kind).to.include({ code: 'connection_lost', retryable: true });
        }
      });

      it('where what comes is malformed', async () => {
        vendor.faults.push({ kind: 'malformed', after: 1 });
        expect(await failure()).to.include({ code: 'malformed_response', retryable: true });
      });

      it('where nobody listens', async () => {
        await vendor.close();
        expect(await failure()).to.include({ code: 'connect_failed', retryable: true });
      });
    });

    it('has a silence to tell of too', async () => {
      const stream = vendor.recogniser({ timeouts: { ...LONG, stallMs: 200 } }).open({}, never);
      stream.write(silence(50));
      stream.flush();
      const events: SpeechToTextEvent[] = [];
      for await (const event of stream) {
        events.push(event);
        if (event.type === 'flushed') break;
      }
      expect(events).to.deep.equal([{ type: 'flushed' }]);
    });
  });
}
