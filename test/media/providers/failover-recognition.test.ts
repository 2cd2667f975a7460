import { expect } from 'chai';
import { DeepgramSpeechToText } from '../../../media/providers/deepgram.ts';
import { FailoverSpeechToText } from '../../../media/providers/failover-recognition.ts';
import { OpenAiRealtimeTranscription } from '../../../media/providers/openai-realtime-transcription.ts';
import { OpenAiTranscription } from '../../../media/providers/openai-transcription.ts';
import type { SpeechToText, SpeechToTextEvent, SpeechToTextStream } from '../../../media/providers/provider.ts';
import type { StageEvent } from '../../../media/providers/stage.ts';
import { eventually } from '../../support/eventually.ts';
import { DEEPGRAM_KEY, DeepgramServer } from '../../support/vendors/deepgram-server.ts';
import { OPENAI_KEY, startOpenAiAudio, type OpenAiAudioServer } from '../../support/vendors/openai-audio-server.ts';
import { startOpenAiRealtime } from '../../support/vendors/openai-realtime-server.ts';
import type { SocketVendor } from '../../support/vendors/socket-vendor.ts';
import { silence, speech } from '../../support/vendors/spoken-words.ts';
import type { Fault } from '../../support/vendors/vendor-server.ts';

const never = new AbortController().signal;
const LONG = { connectMs: 15_000, firstResultMs: 15_000, stallMs: 15_000 };

describe('recognisers in a list', () => {
  let deepgram: DeepgramServer;
  let realtime: SocketVendor;
  let whisper: OpenAiAudioServer;
  let events: StageEvent[];
  let heard: SpeechToTextEvent[];
  let stream: SpeechToTextStream;

  beforeEach(async () => {
    events = [];
    heard = [];
    [deepgram, realtime, whisper] = await Promise.all([
      DeepgramServer.start(),
      startOpenAiRealtime(),
      startOpenAiAudio(),
    ]);
  });
  afterEach(async () => {
    stream.close();
    await Promise.all([deepgram.close(), realtime.close(), whisper.server.close()]);
  });

  const nova = (timeouts: object = {}) =>
    new DeepgramSpeechToText({
      apiKey: DEEPGRAM_KEY,
      baseUrl: deepgram.vendor.url,
      model: 'nova-3',
      timeouts: { ...LONG, ...timeouts },
    });
  const door = { vendor: 'openai', apiKey: OPENAI_KEY, timeouts: LONG } as const;
  const live = () =>
    new OpenAiRealtimeTranscription({ ...door, baseUrl: `${realtime.url}/v1`, model: 'gpt-live-transcribe' });
  const byUtterance = () =>
    new OpenAiTranscription({ ...door, baseUrl: `${whisper.server.url}/v1`, model: 'whisper-1' });

  function open(...recognisers: SpeechToText[]): FailoverSpeechToText {
    const candidates = recognisers.map((provider) => ({ provider }));
    const list = new FailoverSpeechToText({ candidates, onEvent: (event) => events.push(event) });
    stream = list.open({ language: 'en' }, never);
    void (async () => {
      for await (const event of stream) heard.push(event);
    })();
    return list;
  }

  const finals = () => heard.flatMap((event) => (event.type === 'final' ? [event.text] : []));
  const partials = () => heard.flatMap((event) => (event.type === 'partial' ? [event.text] : []));
  const flushes = () => heard.filter(({ type }) => type === 'flushed').length;

  it('leave the others alone where the first hears', async () => {
    expect(open(nova(), live()).perUtterance).to.equal(false);
    stream.write(speech('two pizzas'));
    stream.flush();
    await eventually(() => flushes() === 1);
    expect(finals()).to.deep.equal(['two pizzas']);
    expect(realtime.handshakes).to.equal(0);
  });

  const FAULTS: readonly { fault: Fault; code: string }[] = [
    { fault: { kind: 'cut', after: 3 }, code: 'connection_lost' },
    { fault: { kind: 'half-closed', after: 3 }, code: 'connection_lost' },
    { fault: { kind: 'ends-early', after: 3 }, code: 'connection_lost' },
    { fault: { kind: 'malformed', after: 3 }, code: 'malformed_response' },
  ];
  for (const { fault, code } of FAULTS) {
    it(`have the utterance heard again where one dies within it (${fault.kind})`, async () => {
      deepgram.vendor.server.faults.push(fault);
      open(nova(), live());
      stream.write(speech('I would'));
      await eventually(() => partials().includes('I would'));
      stream.write(speech('like two'));
      await eventually(() => realtime.handshakes === 1);
      stream.write(speech('pizzas'));
      stream.flush();
      await eventually(() => flushes() === 1);
      expect(finals()).to.deep.equal(['I would like two pizzas']);
      expect(events.map(({ type }) => type)).to.deep.equal(['tried', 'failed', 'tried']);
      expect(events[1]).to.include({ provider: 'deepgram/nova-3', code });
    });
  }

  it('do not hear again what has its final', async () => {
    deepgram.vendor.server.faults.push({ kind: 'cut', after: 4 });
    open(nova(), live());
    stream.write(speech('I would'));
    stream.write(silence(100));
    await eventually(() => finals().length === 1);
    stream.write(speech('like two'));
    await eventually(() => realtime.handshakes === 1);
    stream.flush();
    await eventually(() => flushes() === 1);
    expect(finals()).to.deep.equal(['I would', 'like two']);
  });

  it('answer every flush, also those that nobody answered', async () => {
    deepgram.vendor.server.faults.push({ kind: 'silent' });
    open(nova({ stallMs: 150 }), live());
    stream.write(speech('one two three four five six seven'));
    stream.flush();
    stream.write(speech('eight'));
    stream.flush();
    await eventually(() => flushes() === 2);
    expect(finals()).to.deep.equal(['one two three four five six seven eight']);
    expect(events[1]).to.include({ code: 'stalled' });
  });

  for (const fault of [{ kind: 'status', status: 401 }, { kind: 'status', status: 429 }, { kind: 'silent' }] as const) {
    it(`keep what is said until one is connected (${JSON.stringify(fault)})`, async () => {
      deepgram.vendor.handshakeFaults.push(fault);
      open(nova({ connectMs: 200 }), live());
      stream.write(speech('two pizzas'));
      stream.flush();
      await eventually(() => flushes() === 1);
      expect(finals()).to.deep.equal(['two pizzas']);
    });
  }

  it('give the speech of an utterance to one that hears it as a whole', async () => {
    deepgram.vendor.handshakeFaults.push({ kind: 'status', status: 503 });
    whisper.hears('two pizzas');
    open(nova(), byUtterance());
    stream.write(silence(3_000));
    stream.write(speech('two pizzas'));
    stream.flush();
    await eventually(() => flushes() === 1);
    stream.write(speech('and a cola'));
    stream.flush();
    await eventually(() => flushes() === 2);
    expect(finals()).to.deep.equal(['two pizzas', 'two pizzas']);
    expect(whisper.heardMs).to.deep.equal([700, 300]);
    const [first, second] = heard.filter(({ type }) => type === 'final');
    expect(first).to.deep.include({ startMs: 2_500, endMs: 3_200 });
    expect(second).to.deep.include({ startMs: 3_200, endMs: 3_500 });
  });

  it('count times from the start of the call, whoever tells them', async () => {
    realtime.handshakeFaults.push({ kind: 'status', status: 503 });
    open(live(), nova());
    stream.write(silence(3_000));
    stream.write(speech('two pizzas'));
    stream.flush();
    await eventually(() => flushes() === 1);
    expect(heard.find(({ type }) => type === 'final')).to.include({ startMs: 3_000, endMs: 3_200 });
  });

  it('fail, by an event, where none is left', async () => {
    deepgram.vendor.handshakeFaults.push({ kind: 'status', status: 401 });
    realtime.handshakeFaults.push({ kind: 'status', status: 503 });
    open(nova(), live());
    await eventually(() => heard.length > 0);
    expect(heard).to.have.length(1);
    expect(heard[0]).to.have.nested.property('error.code', 'providers_exhausted');
    stream.write(speech('two'));
    stream.flush();
  });

  it('are gone through again where the last had understood something', async () => {
    deepgram.vendor.server.faults.push({ kind: 'cut', after: 4 }, { kind: 'cut', after: 5 });
    open(nova());
    for (const said of ['I would', 'like two', 'large pizzas']) {
      const before = finals().length;
      stream.write(speech(said));
      stream.write(silence(100));
      await eventually(() => finals().length > before);
      stream.write(speech('er'));
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    stream.flush();
    await eventually(() => flushes() === 1);
    expect(finals().join(' ')).to.equal('I would er like two er large pizzas er');
    expect(events.filter(({ type }) => type === 'failed')).to.have.length(2);
  });

  it('are closed by an abort, and none is opened any more', async () => {
    const abort = new AbortController();
    const candidates = [{ provider: nova() }, { provider: live() }];
    stream = new FailoverSpeechToText({ candidates }).open({}, abort.signal);
    stream.write(speech('two'));
    await eventually(() => deepgram.vendor.connections === 1);
    abort.abort();
    for await (const event of stream) expect.fail(event.type);
    await eventually(() => deepgram.vendor.connections === 0);
    expect(realtime.handshakes).to.equal(0);
  });
});
