import { expect } from 'chai';
import { DeepgramSpeechToText, type DeepgramOptions } from '../../../media/providers/deepgram.ts';
import type { SpeechToTextEvent, SpeechToTextStream } from '../../../media/providers/provider.ts';
import { eventually } from '../../support/eventually.ts';
import { DEEPGRAM_KEY, DeepgramServer } from '../../support/vendors/deepgram-server.ts';
import { silence, speech } from '../../support/vendors/spoken-words.ts';

const never = new AbortController().signal;
const LONG = { connectMs: 15_000, firstResultMs: 15_000, stallMs: 15_000 };

describe('a recogniser of Deepgram', () => {
  let server: DeepgramServer;
  let stream: SpeechToTextStream;

  beforeEach(async () => (server = await DeepgramServer.start()));
  afterEach(async () => {
    stream.close();
    await server.close();
  });

  function open(model: string, options: Partial<DeepgramOptions> = {}, language?: string): SpeechToTextStream {
    const { url: baseUrl } = server.vendor;
    const recogniser = new DeepgramSpeechToText({ apiKey: DEEPGRAM_KEY, baseUrl, model, timeouts: LONG, ...options });
    stream = recogniser.open(language ? { language } : {}, never);
    return stream;
  }

  /** Reads events up to the first that fits. */
  async function until(last: (event: SpeechToTextEvent) => boolean): Promise<SpeechToTextEvent[]> {
    const events: SpeechToTextEvent[] = [];
    const iterator = stream[Symbol.asyncIterator]();
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      events.push(next.value);
      if (last(next.value)) return events;
    }
    throw new Error(`the stream ended: ${JSON.stringify(events)}`);
  }

  const isEnd = (event: SpeechToTextEvent) => event.type === 'turn' && event.event === 'end';

  describe('nova', () => {
    it('tells partials while it is spoken, finals after pauses, and the end of the utterance', async () => {
      open('nova-3');
      stream.write(speech('I would like'));
      stream.write(silence(200));
      stream.write(speech('two pizzas'));
      stream.write(silence(1_200));
      const events = await until(isEnd);
      expect(events.map((event) => ('text' in event ? [event.type, event.text] : [event.type]))).to.deep.equal([
        ['turn'],
        ['partial', 'I'],
        ['partial', 'I would'],
        ['partial', 'I would like'],
        ['final', 'I would like'],
        ['partial', 'two'],
        ['partial', 'two pizzas'],
        ['final', 'two pizzas'],
        ['turn'],
      ]);
      expect(events[0]).to.deep.equal({ type: 'turn', event: 'start' });
    });

    it('tells where in its stream the words lie', async () => {
      open('nova-3');
      stream.write(silence(500));
      stream.write(speech('two pizzas'));
      stream.write(silence(100));
      const events = await until(({ type }) => type === 'final');
      expect(events.at(-1)).to.deep.include({ text: 'two pizzas', startMs: 500, endMs: 700 });
    });

    it('asks for its format, its language and the words that are likely', async () => {
      open('nova-3', { keyterms: ['Parley', 'Quattro Stagioni'] }, 'de');
      await eventually(() => server.urls.length === 1);
      const { searchParams } = server.urls[0]!;
      expect(Object.fromEntries(searchParams)).to.include({
        encoding: 'linear16',
        sample_rate: '16000',
        language: 'de',
      });
      expect(searchParams.getAll('keyterm')).to.deep.equal(['Parley', 'Quattro Stagioni']);
    });

    it('is told that the stream ends', async () => {
      open('nova-3');
      stream.write(speech('two'));
      await until(({ type }) => type === 'partial');
      stream.close();
      await eventually(() => server.controls.includes('CloseStream'));
      await eventually(() => server.vendor.connections === 0);
    });

    it('sends no empty frame, which would end the stream', async () => {
      open('nova-3');
      stream.write(new Int16Array(0));
      stream.write(speech('two'));
      await until(({ type }) => type === 'partial');
      expect(server.chunkBytes).to.deep.equal([3_200]);
    });
  });

  describe('Flux', () => {
    it('tells where a turn starts, may be over, goes on and is over', async () => {
      open('flux-general-en', { flux: { eagerEotThreshold: 0.4 } });
      stream.write(speech('two'));
      stream.write(silence(300));
      stream.write(speech('no three'));
      stream.write(silence(600));
      const events = await until(isEnd);
      expect(
        events.map((event) => (event.type === 'turn' ? event.event : 'text' in event ? event.text : event.type)),
      ).to.deep.equal([
        'start',
        'two',
        'eager-end',
        'two no',
        'resumed',
        'two no three',
        'eager-end',
        'two no three',
        'end',
      ]);
      expect(events.at(-2)).to.deep.include({ type: 'final', startMs: 300, endMs: 600 });
      expect(events.at(-1)).to.deep.equal({ type: 'turn', event: 'end', confidence: 0.9 });
    });

    it('is told how sure it must be, in a language where it knows several', async () => {
      open('flux-general-multi', { flux: { eotThreshold: 0.8, eotTimeoutMs: 3_000 } }, 'es-MX');
      await eventually(() => server.urls.length === 1);
      expect(server.urls[0]!.pathname).to.equal('/v2/listen');
      expect(Object.fromEntries(server.urls[0]!.searchParams)).to.include({
        eot_threshold: '0.8',
        eot_timeout_ms: '3000',
        language_hint: 'es',
      });
    });

    it('is sent chunks of 80 ms, the rest with a flush', async () => {
      open('flux-general-en');
      for (let n = 0; n < 10; n++) stream.write(speech('two').subarray(0, 512));
      stream.flush();
      await until(({ type }) => type === 'flushed');
      expect(server.chunkBytes).to.deep.equal([2_560, 2_560, 2_560, 2_560]);
    });

    it('fails where audio goes in and nothing comes out', async () => {
      server.vendor.server.faults.push({ kind: 'stalled', after: 1 });
      open('flux-general-en', { timeouts: { ...LONG, stallMs: 200 } });
      const timer = setInterval(() => stream.write(silence(100)), 20);
      const events = await until(({ type }) => type === 'error').finally(() => clearInterval(timer));
      expect(events.at(-1)).to.have.nested.property('error.code', 'stalled');
    });
  });
});
