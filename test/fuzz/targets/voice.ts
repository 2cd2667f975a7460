/** What a voice's vendor may send: Cartesia's messages, and audio over HTTP. */
import * as fc from 'fast-check';
import { CartesiaSockets } from '../../../media/providers/cartesia-sockets.ts';
import { CartesiaSpeech } from '../../../media/providers/cartesia.ts';
import { ProviderError } from '../../../media/providers/errors.ts';
import { OpenAiSpeech } from '../../../media/providers/openai-speech.ts';
import type { SpokenAudio, TextToSpeech } from '../../../media/providers/provider.ts';
import { collect } from '../../support/collect.ts';
import { asJson, expectUnpolluted, type FuzzTarget, inTime, jsonOf, oddJson, textOf } from '../fuzz-target.ts';
import { startLooseVendor } from './vendor-frames.ts';

const AUDIO = Buffer.alloc(480).toString('base64');
const MESSAGES: readonly unknown[] = [
  { type: 'chunk', data: AUDIO, done: false, status_code: 206 },
  { type: 'timestamps', word_timestamps: { words: ['two'], start: [0], end: [0.1] } },
  { type: 'flush_done', flush_id: 1, flush_done: true },
  { type: 'done', done: true, status_code: 200 },
  { type: 'error', status_code: 400, error_code: 'voice_not_found', title: 'a', message: 'b' },
];
const LONG = { connectMs: 15_000, firstResultMs: 15_000, stallMs: 15_000 };
const CLAUSES = ['Good morning.', 'How are you?'];

export async function openVoice(): Promise<FuzzTarget> {
  const vendor = await startLooseVendor();
  const { url: baseUrl } = vendor;
  const messages = fc.array(fc.oneof(fc.constantFrom(...MESSAGES), oddJson), { minLength: 1, maxLength: 8 });
  return {
    inputs: asJson(fc.tuple(fc.constantFrom('socket', 'audio/pcm', 'text/html'), messages)),
    shape: 'json',
    run: async (input) => {
      const [how, frames] = [jsonOf(input)].flat() as [unknown, unknown];
      const sockets = new CartesiaSockets({ apiKey: 'key', baseUrl, connectMs: 15_000 });
      const overSocket = how === 'socket';
      vendor.say.contentType = textOf(how).replace(/[^\x20-\x7e]/g, '') || 'audio/pcm';
      vendor.say.frames = (asked) => textsOf(frames, input, overSocket ? asked : undefined);
      const voice: TextToSpeech = overSocket
        ? new CartesiaSpeech({ sockets, model: 'sonic', sampleRateHz: 24_000, timeouts: LONG })
        : new OpenAiSpeech({ baseUrl, model: 'tts', sampleRateHz: 48_000, vendor: 'compatible', timeouts: LONG });
      const spoken = collect(voice.speak(each(CLAUSES), 'alloy', new AbortController().signal));
      const { items, error } = await inTime(spoken, 'the end of a voice').finally(() => sockets.close());
      if (error !== undefined && !(error instanceof ProviderError))
        throw new Error('no ProviderError', { cause: error });
      for (const item of items) check(item);
      expectUnpolluted();
      return `${voice.name} ${items.length > 0} ${error === undefined ? 'whole' : error.code}`;
    },
    close: () => vendor.close(),
  };
}

/** Cartesia's messages name the context that they belong to. */
function textsOf(frames: unknown, input: Buffer, asked: string | undefined): string[] {
  if (!Array.isArray(frames)) return [input.toString('latin1')];
  const context = asked === undefined ? undefined : (jsonOf(Buffer.from(asked)) as { context_id?: string }).context_id;
  return frames.map((frame: unknown) => {
    const named = typeof frame === 'object' && frame !== null && !Array.isArray(frame);
    return JSON.stringify(named && context !== undefined ? { context_id: context, ...frame } : frame);
  });
}

async function* each(clauses: readonly string[]): AsyncGenerator<string> {
  yield* clauses;
}

function check({ pcm: { samples, sampleRateHz }, text, words = [] }: SpokenAudio): void {
  if (!(samples instanceof Int16Array) || typeof text !== 'string') throw new Error('a piece that is no audio');
  if (!(sampleRateHz > 0)) throw new Error(`audio at ${sampleRateHz} Hz`);
  for (const { word, startMs, endMs } of words) {
    if (typeof word !== 'string' || !Number.isFinite(startMs) || !Number.isFinite(endMs)) {
      throw new Error(`a word that is a ${typeof word}, from ${startMs} to ${endMs}`);
    }
  }
}
