/**
 * Transcription of whole utterances over HTTP, as OpenAI's `audio/transcriptions` does it, and every server that is
 * compatible with it (whisper.cpp, faster-whisper, vLLM).
 */
import { Deadline, DEFAULT_TIMEOUTS } from './deadline.ts';
import { ProviderError } from './errors.ts';
import { EventQueue } from './event-queue.ts';
import { addressOf, authorizationOf, transcriptionOf, type OpenAiHearingOptions } from './openai-hearing.ts';
import type { SpeechToText, SpeechToTextEvent, SpeechToTextStream } from './provider.ts';
import { bytesOf } from './transcription-socket.ts';
import { lostConnection, readText, vendorFetch } from './vendor-fetch.ts';

/** `timeouts.firstResultMs` is how long a transcription may take. */
export type OpenAiTranscriptionOptions = OpenAiHearingOptions;

const SAMPLE_RATE_HZ = 16_000;
/** Shorter audio is refused. */
const MIN_MS = 100;
/** Of one utterance; what is older is let go. 25 MB is the most that OpenAI takes, 13 minutes. */
const MAX_MS = 120_000;
/** Two minutes of speech are some 2,000 characters. */
const MAX_ANSWER_BYTES = 262_144;

export class OpenAiTranscription implements SpeechToText {
  readonly name: string;
  readonly perUtterance = true;
  readonly #options: OpenAiTranscriptionOptions;
  readonly #fetch: typeof globalThis.fetch;

  constructor(options: OpenAiTranscriptionOptions) {
    this.name = `${options.vendor}/${options.model}`;
    this.#options = options;
    const { firstResultMs } = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
    this.#fetch = vendorFetch({ provider: this.name, connectMs: firstResultMs });
  }

  open({ language }: { language?: string }, signal: AbortSignal): SpeechToTextStream {
    return new UtteranceStream((pcm, own) => this.#transcribe(pcm, language, own), signal);
  }

  /** @throws ProviderError */
  async #transcribe(samples: Int16Array, language: string | undefined, signal: AbortSignal): Promise<string> {
    const form = new FormData();
    form.set('file', new Blob([wavHeader(samples.byteLength), bytesOf(samples)], { type: 'audio/wav' }), 'speech.wav');
    form.set('response_format', 'json');
    for (const [name, value] of Object.entries(transcriptionOf(this.#options, language))) form.set(name, value);
    const response = await this.#fetch(`${addressOf(this.#options)}/audio/transcriptions`, {
      method: 'POST',
      headers: authorizationOf(this.#options),
      body: form,
      signal,
    });
    return this.#textOf(await this.#read(response, signal));
  }

  async #read(response: Response, signal: AbortSignal): Promise<string> {
    const deadline = new Deadline(this.name, signal);
    const { stallMs } = { ...DEFAULT_TIMEOUTS, ...this.#options.timeouts };
    deadline.expect('stalled', stallMs, 'the rest of its transcription');
    // The response belongs to the request's signal, which knows nothing of this deadline.
    const late = new Promise<never>((_, reject) => {
      deadline.signal.addEventListener('abort', () => reject(deadline.missed ?? (signal.reason as Error)));
    });
    try {
      const { text, whole } = await Promise.race([readText(response, MAX_ANSWER_BYTES), late]);
      if (whole) return text;
    } catch (error) {
      throw error instanceof ProviderError ? error : lostConnection(this.name, error);
    } finally {
      deadline.close();
    }
    throw new ProviderError('malformed_response', 'sent far more than a transcription', { provider: this.name });
  }

  #textOf(body: string): string {
    try {
      const { text } = JSON.parse(body) as { text?: unknown };
      if (typeof text === 'string') return text.trim();
    } catch {
      // Told below, together with JSON that has no text.
    }
    throw new ProviderError('malformed_response', 'sent a transcription without text', { provider: this.name });
  }
}

type Transcribe = (pcm: Int16Array, signal: AbortSignal) => Promise<string>;

class UtteranceStream implements SpeechToTextStream {
  readonly #transcribe: Transcribe;
  readonly #signal: AbortSignal;
  readonly #closing = new AbortController();
  readonly #events: EventQueue<SpeechToTextEvent>;
  #chunks: Int16Array[] = [];
  #samples = 0;
  #writtenSamples = 0;
  /** One after another, so that finals come in order. */
  #work: Promise<void> = Promise.resolve();

  constructor(transcribe: Transcribe, signal: AbortSignal) {
    this.#transcribe = transcribe;
    this.#signal = signal;
    this.#events = new EventQueue(() => this.close());
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  write(pcm: Int16Array): void {
    this.#writtenSamples += pcm.length;
    if (this.#events.ended) return;
    this.#chunks.push(pcm.slice());
    this.#samples += pcm.length;
    while (msOf(this.#samples) > MAX_MS) this.#samples -= this.#chunks.shift()!.length;
  }

  flush(): void {
    const utterance = joined(this.#chunks, this.#samples);
    const endMs = msOf(this.#writtenSamples);
    this.#chunks = [];
    this.#samples = 0;
    this.#work = this.#work.then(() => this.#hear(utterance, endMs));
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#closing.abort();
    this.#chunks = [];
    this.#events.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<SpeechToTextEvent, undefined> {
    return this.#events[Symbol.asyncIterator]();
  }

  readonly #onAbort = (): void => {
    this.#events.abandon();
    this.close();
  };

  async #hear(utterance: Int16Array, endMs: number): Promise<void> {
    if (this.#events.ended) return;
    const startMs = endMs - msOf(utterance.length);
    try {
      const long = msOf(utterance.length) >= MIN_MS;
      const text = long ? await this.#transcribe(utterance, this.#closing.signal) : '';
      if (text) this.#events.push({ type: 'final', text, startMs, endMs });
      this.#events.push({ type: 'flushed' });
    } catch (error) {
      if (this.#events.ended) return;
      this.#events.push({ type: 'error', error: error as ProviderError });
      this.close();
    }
  }
}

function msOf(samples: number): number {
  return (1000 * samples) / SAMPLE_RATE_HZ;
}

function joined(chunks: readonly Int16Array[], length: number): Int16Array {
  const samples = new Int16Array(length);
  let at = 0;
  for (const chunk of chunks) {
    samples.set(chunk, at);
    at += chunk.length;
  }
  return samples;
}

/** RIFF WAVE, PCM, one channel of 16 bits. */
function wavHeader(dataBytes: number): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + dataBytes, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SAMPLE_RATE_HZ, 24);
  header.writeUInt32LE(SAMPLE_RATE_HZ * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataBytes, 40);
  return header;
}
