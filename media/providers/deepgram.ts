/**
 * Deepgram's streaming recognition: nova over `/v1/listen`. Flux, which also tells when a turn begins and ends, is in
 * `deepgram-flux.ts`.
 */
import { monotonicMs } from '../runtime/clock.ts';
import { DeepgramFluxStream, type FluxOptions } from './deepgram-flux.ts';
import { DEFAULT_TIMEOUTS, type VendorTimeouts } from './deadline.ts';
import type { SpeechToText, SpeechToTextEvent, SpeechToTextStream } from './provider.ts';
import { bytesOf, TranscriptionSocket } from './transcription-socket.ts';
import { numberOf, textOf } from './vendor-fields.ts';

export type DeepgramOptions = {
  apiKey: string;
  /** Default `wss://api.deepgram.com`. */
  baseUrl?: string;
  /** Names that begin with `flux` are Flux's. */
  model: string;
  /** Words that are likely to be said: names, products. nova-3 and Flux know them. */
  keyterms?: readonly string[];
  flux?: FluxOptions;
  /** `stallMs` is how long an answer to `flush` may take. */
  timeouts?: VendorTimeouts;
};

export const SAMPLE_RATE_HZ = 16_000;
/** Silence after which Deepgram makes text final. Longer: finals come later; shorter: more of them, less sure. */
const ENDPOINTING_MS = 25;
/** A gap between words after which it tells the utterance's end; it takes no less. */
const UTTERANCE_END_MS = 1_000;
/** It closes a stream that it hears nothing of for 10 s, and asks for a sign every 3 to 5 s. */
const KEEP_ALIVE_MS = 4_000;
/** Speech of this length brings at least a partial; one that brought nothing was not listened to. */
const AUDIBLE_MS = 600;

export class DeepgramSpeechToText implements SpeechToText {
  readonly name: string;
  readonly perUtterance = false;
  readonly endsTurns: boolean;
  readonly #options: DeepgramOptions;

  constructor(options: DeepgramOptions) {
    this.name = `deepgram/${options.model}`;
    this.endsTurns = options.model.startsWith('flux');
    this.#options = options;
  }

  open({ language }: { language?: string }, signal: AbortSignal): SpeechToTextStream {
    const { apiKey, baseUrl = 'wss://api.deepgram.com', model, keyterms = [], flux = {}, timeouts } = this.#options;
    const url = new URL(this.endsTurns ? '/v2/listen' : '/v1/listen', baseUrl.replace(/^http/, 'ws'));
    const query = this.endsTurns ? fluxQuery(flux, model, language) : novaQuery(language);
    for (const [name, value] of Object.entries({ model, ...query })) url.searchParams.set(name, value);
    for (const keyterm of keyterms) url.searchParams.append('keyterm', keyterm);
    const { connectMs, stallMs } = { ...DEFAULT_TIMEOUTS, ...timeouts };
    const socket = { provider: this.name, url, headers: { Authorization: `Token ${apiKey}` }, connectMs };
    return this.endsTurns ? new DeepgramFluxStream(socket, stallMs, signal) : new NovaStream(socket, stallMs, signal);
  }
}

function novaQuery(language: string | undefined): Record<string, string> {
  return {
    encoding: 'linear16',
    sample_rate: String(SAMPLE_RATE_HZ),
    channels: '1',
    interim_results: 'true',
    punctuate: 'true',
    no_delay: 'true',
    vad_events: 'true',
    endpointing: String(ENDPOINTING_MS),
    utterance_end_ms: String(UTTERANCE_END_MS),
    ...(language && { language }),
  };
}

function fluxQuery(
  { eotThreshold, eagerEotThreshold, eotTimeoutMs }: FluxOptions,
  model: string,
  language: string | undefined,
): Record<string, string> {
  return {
    encoding: 'linear16',
    sample_rate: String(SAMPLE_RATE_HZ),
    ...(eotThreshold !== undefined && { eot_threshold: String(eotThreshold) }),
    ...(eagerEotThreshold !== undefined && { eager_eot_threshold: String(eagerEotThreshold) }),
    ...(eotTimeoutMs !== undefined && { eot_timeout_ms: String(eotTimeoutMs) }),
    ...(language && model.includes('multi') && { language_hint: language.split('-')[0]! }),
  };
}

type Results = {
  start: number;
  duration: number;
  is_final: boolean;
  from_finalize?: boolean;
  channel: { alternatives: { transcript: string; words?: { start: number; end: number }[] }[] };
};

class NovaStream implements SpeechToTextStream {
  readonly #socket: TranscriptionSocket;
  readonly #flushReplyMs: number;
  readonly #keepAlive: NodeJS.Timeout;
  #writtenSamples = 0;
  #lastWrittenMs = 0;
  /** Audio written by the time of the last message. */
  #heardSamples = 0;
  #messages = 0;

  constructor(
    options: ConstructorParameters<typeof TranscriptionSocket>[0],
    flushReplyMs: number,
    signal: AbortSignal,
  ) {
    this.#flushReplyMs = flushReplyMs;
    this.#keepAlive = setInterval(() => this.#keepOpen(), KEEP_ALIVE_MS).unref();
    const protocol = {
      opened: () => this.#socket.ready(),
      message: (message: Record<string, unknown>) => this.#receive(message),
      farewell: '{"type":"CloseStream"}',
    };
    this.#socket = new TranscriptionSocket(options, protocol, signal);
  }

  write(pcm: Int16Array): void {
    // An empty frame would close the stream.
    if (pcm.length === 0) return;
    this.#writtenSamples += pcm.length;
    this.#lastWrittenMs = monotonicMs();
    this.#socket.enqueue(bytesOf(pcm));
  }

  flush(): void {
    this.#socket.enqueue('{"type":"Finalize"}');
    const unheardMs = (1000 * (this.#writtenSamples - this.#heardSamples)) / SAMPLE_RATE_HZ;
    const messagesBefore = this.#messages;
    this.#socket.expectReply(this.#flushReplyMs, () => {
      // Where nothing is pending, Finalize need not be answered.
      if (unheardMs < AUDIBLE_MS || this.#messages > messagesBefore) this.#tell({ type: 'flushed' });
      else this.#socket.failBy('stalled', `did not answer within ${this.#flushReplyMs} ms`);
    });
  }

  close(): void {
    clearInterval(this.#keepAlive);
    this.#socket.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SpeechToTextEvent, undefined> {
    try {
      yield* this.#socket.events;
    } finally {
      this.close();
    }
    return undefined;
  }

  #tell(event: SpeechToTextEvent): void {
    this.#socket.events.push(event);
  }

  #keepOpen(): void {
    if (this.#socket.events.ended) clearInterval(this.#keepAlive);
    else if (monotonicMs() - this.#lastWrittenMs >= KEEP_ALIVE_MS) this.#socket.enqueue('{"type":"KeepAlive"}');
  }

  #receive(message: Record<string, unknown>): void {
    this.#heardSamples = this.#writtenSamples;
    this.#messages++;
    if (message['type'] === 'Results') this.#takeResults(message as Results);
    else if (message['type'] === 'SpeechStarted') this.#tell({ type: 'turn', event: 'start' });
    else if (message['type'] === 'UtteranceEnd') this.#tell({ type: 'turn', event: 'end' });
  }

  #takeResults({ start, duration, is_final: isFinal, from_finalize: flushed, channel }: Results): void {
    const { words = [], ...alternative } = channel.alternatives[0]!;
    const transcript = textOf(alternative.transcript);
    const startMs = 1000 * numberOf(words[0]?.start ?? start);
    const endMs = 1000 * numberOf(words.at(-1)?.end ?? numberOf(start) + numberOf(duration));
    if (transcript) this.#tell({ type: isFinal ? 'final' : 'partial', text: transcript, startMs, endMs });
    if (flushed) {
      this.#socket.replied();
      this.#tell({ type: 'flushed' });
    }
  }
}
