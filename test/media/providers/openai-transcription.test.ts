import { expect } from 'chai';
import { OpenAiRealtimeTranscription } from '../../../media/providers/openai-realtime-transcription.ts';
import { OpenAiTranscription } from '../../../media/providers/openai-transcription.ts';
import type { SpeechToTextEvent, SpeechToTextStream } from '../../../media/providers/provider.ts';
import { OPENAI_KEY, startOpenAiAudio } from '../../support/vendors/openai-audio-server.ts';
import { startOpenAiRealtime } from '../../support/vendors/openai-realtime-server.ts';
import { speech } from '../../support/vendors/spoken-words.ts';

const never = new AbortController().signal;
const timeouts = { connectMs: 15_000, firstResultMs: 15_000, stallMs: 15_000 };

async function untilFlushed(stream: SpeechToTextStream): Promise<SpeechToTextEvent[]> {
  const events: SpeechToTextEvent[] = [];
  for await (const event of stream) {
    events.push(event);
    if (event.type === 'flushed') break;
  }
  return events;
}

describe('a recogniser of OpenAI in real time', () => {
  it('tells partials while it is spoken', async () => {
    const server = await startOpenAiRealtime();
    try {
      const options = { vendor: 'openai', apiKey: OPENAI_KEY, baseUrl: `${server.url}/v1`, timeouts } as const;
      const stream = new OpenAiRealtimeTranscription({ ...options, model: 'gpt-live-transcribe' }).open({}, never);
      stream.write(speech('two pizzas please'));
      stream.flush();
      const events = await untilFlushed(stream);
      expect(events).to.deep.equal([
        { type: 'partial', text: 'two' },
        { type: 'partial', text: 'two pizzas' },
        { type: 'partial', text: 'two pizzas please' },
        { type: 'final', text: 'two pizzas please' },
        { type: 'flushed' },
      ]);
    } finally {
      await server.close();
    }
  });

  it('tells finals in the order of the audio, whichever comes first', async () => {
    const server = await startOpenAiRealtime();
    try {
      const options = { vendor: 'openai', apiKey: OPENAI_KEY, baseUrl: `${server.url}/v1`, timeouts } as const;
      const stream = new OpenAiRealtimeTranscription({ ...options, model: 'gpt-live-transcribe' }).open({}, never);
      stream.write(speech('later'));
      stream.flush();
      stream.write(speech('then this'));
      stream.flush();
      const events = await untilFlushed(stream);
      const finals = events.flatMap((event) => (event.type === 'final' ? [event.text] : []));
      expect(finals).to.deep.equal(['later', 'then this']);
    } finally {
      await server.close();
    }
  });
});

describe('a recogniser of OpenAI by utterance', () => {
  it('sends the speech of each utterance, and tells where it lies', async () => {
    const { server, hears, heardMs } = await startOpenAiAudio();
    try {
      const options = { vendor: 'openai', apiKey: OPENAI_KEY, baseUrl: `${server.url}/v1`, timeouts } as const;
      const stream = new OpenAiTranscription({ ...options, model: 'whisper-1' }).open({ language: 'de-AT' }, never);
      hears('eins');
      stream.write(speech('a b c'));
      stream.flush();
      stream.write(speech('d e'));
      stream.flush();
      const events: SpeechToTextEvent[] = [];
      for await (const event of stream) if (events.push(event) === 4) break;
      expect(heardMs).to.deep.equal([300, 200]);
      expect(events).to.deep.equal([
        { type: 'final', text: 'eins', startMs: 0, endMs: 300 },
        { type: 'flushed' },
        { type: 'final', text: 'eins', startMs: 300, endMs: 500 },
        { type: 'flushed' },
      ]);
    } finally {
      await server.close();
    }
  });

  it('asks nothing of a sound too short to be asked about', async () => {
    const { server } = await startOpenAiAudio();
    try {
      const options = { vendor: 'openai', apiKey: OPENAI_KEY, baseUrl: `${server.url}/v1`, timeouts } as const;
      const stream = new OpenAiTranscription({ ...options, model: 'whisper-1' }).open({}, never);
      stream.write(speech('click').subarray(0, 800));
      stream.flush();
      expect(await untilFlushed(stream)).to.deep.equal([{ type: 'flushed' }]);
      expect(server.requests).to.have.length(0);
    } finally {
      await server.close();
    }
  });
});
