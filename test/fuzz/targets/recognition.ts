/** What a recogniser's vendor may send: Deepgram's two protocols, OpenAI's in real time, and answers over HTTP. */
import * as fc from 'fast-check';
import { DeepgramSpeechToText } from '../../../media/providers/deepgram.ts';
import { ProviderError } from '../../../media/providers/errors.ts';
import { OpenAiRealtimeTranscription } from '../../../media/providers/openai-realtime-transcription.ts';
import { OpenAiTranscription } from '../../../media/providers/openai-transcription.ts';
import type { SpeechToText, SpeechToTextEvent } from '../../../media/providers/provider.ts';
import { asJson, expectUnpolluted, type FuzzTarget, inTime, jsonOf, oddJson } from '../fuzz-target.ts';
import { startLooseVendor } from './vendor-frames.ts';

const words = [{ word: 'two', start: 0.1, end: 0.4 }];
const turn = { transcript: 'two', audio_window_start: 0, audio_window_end: 1, end_of_turn_confidence: 0.9 };
const item = { item_id: 'i1', delta: 'two', transcript: 'two pizzas' };
const MESSAGES: readonly unknown[] = [
  { type: 'Results', start: 0, duration: 1, is_final: true, from_finalize: true, channel: { alternatives: [{ transcript: 'two', words }] } },
  { type: 'SpeechStarted' },
  { type: 'UtteranceEnd' },
  ...['Update', 'StartOfTurn', 'EagerEndOfTurn', 'TurnResumed', 'EndOfTurn'].map((event) => ({ type: 'TurnInfo', event, ...turn })),
  { type: 'Error', code: 'x', description: 'y' },
  { type: 'session.updated' },
  { type: 'input_audio_buffer.committed', ...item },
  { type: 'conversation.item.input_audio_transcription.delta', ...item },
  { type: 'conversation.item.input_audio_transcription.completed', ...item },
  { type: 'conversation.item.input_audio_transcription.failed', ...item, error: { type: 'a', code: 'b', message: 'c' } },
  { type: 'error', error: { type: 'a', code: null, message: 'c' } },
  { text: 'two pizzas' },
]; // prettier-ignore
const LONG = { connectMs: 15_000, firstResultMs: 15_000, stallMs: 15_000 };
const SPEECH = new Int16Array(3_200);

export async function openRecognition(): Promise<FuzzTarget> {
  const vendor = await startLooseVendor();
  const { url: baseUrl } = vendor;
  const common = { apiKey: 'key', baseUrl, timeouts: LONG };
  const recognisers: readonly SpeechToText[] = [
    new DeepgramSpeechToText({ ...common, model: 'nova-3' }),
    new DeepgramSpeechToText({ ...common, model: 'flux-general-en' }),
    new OpenAiRealtimeTranscription({ ...common, vendor: 'openai', model: 'm' }),
    new OpenAiTranscription({ ...common, vendor: 'openai', model: 'm' }),
  ];
  const messages = fc.array(fc.oneof(fc.constantFrom(...MESSAGES), oddJson), { minLength: 1, maxLength: 8 });
  return {
    inputs: asJson(fc.tuple(fc.nat(recognisers.length - 1), messages)),
    shape: 'json',
    run: async (input) => {
      const [which, frames] = [jsonOf(input)].flat() as [unknown, unknown];
      const recogniser = recognisers[typeof which === 'number' ? which % recognisers.length : 0] ?? recognisers[0]!;
      // What is no JSON goes out as it is.
      const texts = Array.isArray(frames) ? frames.map((frame) => JSON.stringify(frame)) : [input.toString('latin1')];
      vendor.say.frames = () => texts;
      const stream = recogniser.open({}, new AbortController().signal);
      stream.write(SPEECH);
      stream.flush();
      const heard: string[] = [];
      const listen = async (): Promise<void> => {
        for await (const event of stream) {
          heard.push(checked(event));
          if (event.type === 'error' || (event.type === 'flushed' && recogniser.perUtterance)) return;
        }
      };
      await inTime(listen(), 'the end of a recognition').finally(() => stream.close());
      expectUnpolluted();
      return `${recogniser.name} ${heard.slice(0, 5).join()}`;
    },
    close: () => vendor.close(),
  };
}

/** What the conversation would be given. */
function checked(event: SpeechToTextEvent): string {
  if (event.type === 'error') {
    if (!(event.error instanceof ProviderError)) throw event.error;
    return event.error.code;
  }
  if (event.type === 'partial' || event.type === 'final') {
    const { text, startMs = 0, endMs = 0 } = event;
    if (typeof text !== 'string') throw new Error(`words that are a ${typeof text}`);
    if (!Number.isFinite(startMs) || !Number.isFinite(endMs)) throw new Error(`words from ${startMs} to ${endMs}`);
  }
  if (event.type === 'turn' && 'confidence' in event && !Number.isFinite(event.confidence)) {
    throw new Error('a turn with a confidence that is none');
  }
  return event.type;
}
