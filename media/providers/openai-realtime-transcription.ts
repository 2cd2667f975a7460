/**
 * OpenAI's realtime transcription: audio goes in as it comes, text comes out while it is spoken. Its own turn detection is
 * off (the models made for this have none): `flush` commits what was heard.
 */
import { Resampler } from '../audio/resampler.ts';
import { DEFAULT_TIMEOUTS } from './deadline.ts';
import { ProviderError, type ProviderErrorCode } from './errors.ts';
import { addressOf, authorizationOf, transcriptionOf, type OpenAiHearingOptions } from './openai-hearing.ts';
import type { SpeechToText, SpeechToTextEvent, SpeechToTextStream } from './provider.ts';
import { bytesOf, TranscriptionSocket } from './transcription-socket.ts';
import { textOf } from './vendor-fields.ts';

/**
 * `compatible` gateways are told the model in the address, where api.openai.com refuses it. `timeouts.stallMs` is how long the
 * transcription of what was committed may take.
 */
export type OpenAiRealtimeOptions = OpenAiHearingOptions;

const INPUT_RATE_HZ = 16_000;
const VENDOR_RATE_HZ = 24_000;
/** Less cannot be committed. */
const MIN_COMMIT_MS = 100;

export class OpenAiRealtimeTranscription implements SpeechToText {
  readonly name: string;
  readonly perUtterance = false;
  readonly #options: OpenAiRealtimeOptions;

  constructor(options: OpenAiRealtimeOptions) {
    this.name = `${options.vendor}/${options.model}`;
    this.#options = options;
  }

  open({ language }: { language?: string }, signal: AbortSignal): SpeechToTextStream {
    return new RealtimeStream(this.#options, this.name, language, signal);
  }
}

/** One stretch of audio that is transcribed on its own. */
type Item = { text: string; complete: boolean };

class RealtimeStream implements SpeechToTextStream {
  readonly #name: string;
  readonly #session: Record<string, unknown>;
  readonly #stallMs: number;
  readonly #socket: TranscriptionSocket;
  readonly #resampler = new Resampler({ fromHz: INPUT_RATE_HZ, toHz: VENDOR_RATE_HZ });
  /** In the order of the audio: they may be completed out of it. */
  readonly #items = new Map<string, Item>();
  #uncommittedMs = 0;
  #commitsPending = 0;

  constructor(options: OpenAiRealtimeOptions, name: string, language: string | undefined, signal: AbortSignal) {
    const { vendor, model, timeouts } = options;
    this.#name = name;
    this.#session = sessionOf(options, language);
    const { connectMs, stallMs } = { ...DEFAULT_TIMEOUTS, ...timeouts };
    this.#stallMs = stallMs;
    const url = new URL(`${addressOf(options).replace(/^http/, 'ws')}/realtime?intent=transcription`);
    if (vendor === 'compatible') url.searchParams.set('model', model);
    const headers = authorizationOf(options);
    const protocol = {
      opened: () => this.#socket.say({ type: 'session.update', session: this.#session }),
      message: (message: ServerEvent) => this.#receive(message),
    };
    this.#socket = new TranscriptionSocket({ provider: name, url, headers, connectMs }, protocol, signal);
  }

  write(pcm: Int16Array): void {
    this.#uncommittedMs += (1000 * pcm.length) / INPUT_RATE_HZ;
    this.#append(this.#resampler.process(pcm));
  }

  #append(samples: Int16Array): void {
    if (samples.length === 0) return;
    const audio = bytesOf(samples).toString('base64');
    this.#socket.enqueue(JSON.stringify({ type: 'input_audio_buffer.append', audio }));
  }

  flush(): void {
    if (this.#uncommittedMs < MIN_COMMIT_MS) {
      if (this.#commitsPending === 0) this.#tell({ type: 'flushed' });
      return;
    }
    this.#uncommittedMs = 0;
    this.#commitsPending++;
    this.#append(this.#resampler.flush());
    this.#socket.enqueue('{"type":"input_audio_buffer.commit"}');
    this.#socket.expectReply(this.#stallMs, () => {
      this.#socket.failBy('stalled', `did not transcribe what was committed within ${this.#stallMs} ms`);
    });
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<SpeechToTextEvent, undefined> {
    return this.#socket.events[Symbol.asyncIterator]();
  }

  #tell(event: SpeechToTextEvent): void {
    this.#socket.events.push(event);
  }

  #receive(message: ServerEvent): void {
    const { error = {} } = message;
    const itemId = textOf(message.item_id);
    switch (message.type) {
      case 'session.updated':
        return this.#socket.ready();
      case 'input_audio_buffer.committed':
        this.#item(itemId);
        return;
      case 'conversation.item.input_audio_transcription.delta':
        return this.#grow(this.#item(itemId), textOf(message.delta));
      case 'conversation.item.input_audio_transcription.completed':
        return this.#complete(this.#item(itemId), textOf(message.transcript));
      case 'conversation.item.input_audio_transcription.failed':
        return this.#takeError(error, 'vendor_failed');
      case 'error':
        return this.#takeError(error, 'invalid_request');
      default:
      // Buffers that were committed, rate limits, and whatever is added to the protocol.
    }
  }

  #item(itemId: string): Item {
    const item = this.#items.get(itemId) ?? { text: '', complete: false };
    this.#items.set(itemId, item);
    return item;
  }

  #grow(item: Item, delta: string): void {
    item.text += delta;
    const text = [...this.#items.values()]
      .map((unfinished) => unfinished.text.trim())
      .join(' ')
      .trim();
    if (text) this.#tell({ type: 'partial', text });
  }

  /** Finals are told in the order of the audio. */
  #complete(item: Item, transcript: string): void {
    item.text = transcript;
    item.complete = true;
    for (const [itemId, { text, complete }] of this.#items) {
      if (!complete) return;
      this.#items.delete(itemId);
      if (text.trim()) this.#tell({ type: 'final', text: text.trim() });
      this.#committed();
    }
  }

  #committed(): void {
    this.#commitsPending = Math.max(0, this.#commitsPending - 1);
    if (this.#commitsPending > 0) return;
    this.#socket.replied();
    this.#tell({ type: 'flushed' });
  }

  #takeError(error: OpenAiError, otherwise: ProviderErrorCode): void {
    const [type, code, message] = [error.type, error.code, error.message].map(textOf);
    if (code === 'input_audio_buffer_commit_empty') return this.#committed();
    const words = `${code || type || 'error'}: ${message}`;
    const failure = codeOf(code) ?? codeOf(type) ?? otherwise;
    throw new ProviderError(failure, words, { provider: this.#name });
  }
}

/** The fields of all events that are used here. */
type ServerEvent = { type?: string; item_id?: string; delta?: string; transcript?: string; error?: OpenAiError };
type OpenAiError = { type?: string; code?: string | null; message?: string };

const CODES: Record<string, ProviderErrorCode> = {
  invalid_model: 'unknown_model',
  model_not_found: 'unknown_model',
  rate_limit_exceeded: 'rate_limited',
  insufficient_quota: 'payment_required',
  server_error: 'vendor_failed',
};

function codeOf(name = ''): ProviderErrorCode | undefined {
  return Object.hasOwn(CODES, name) ? CODES[name] : undefined;
}

function sessionOf(options: OpenAiRealtimeOptions, language: string | undefined): Record<string, unknown> {
  return {
    type: 'transcription',
    audio: {
      input: {
        format: { type: 'audio/pcm', rate: VENDOR_RATE_HZ },
        transcription: transcriptionOf(options, language),
        turn_detection: null,
      },
    },
  };
}
