/**
 * OpenAI's voices over HTTP, also at any address that speaks its `audio/speech`: a request for each clause, whose audio is
 * streamed. The next clause is asked for while this one is heard, so that nothing falls silent between them.
 */
import { Resampler } from '../audio/resampler.ts';
import { Deadline, DEFAULT_TIMEOUTS, type VendorTimeouts } from './deadline.ts';
import { ProviderError } from './errors.ts';
import { EventQueue } from './event-queue.ts';
import type { SpokenAudio, TextToSpeech } from './provider.ts';
import { lostConnection, vendorFetch } from './vendor-fetch.ts';

export type OpenAiSpeechOptions = {
  /** Default `https://api.openai.com/v1`. */
  baseUrl?: string;
  /** Local servers need none. */
  apiKey?: string;
  model: string;
  /** Of the audio that it yields; OpenAI speaks at 24 kHz. */
  sampleRateHz: 24_000 | 48_000;
  /** What the name begins with: `openai` or `compatible`. */
  vendor: 'openai' | 'compatible';
  /** How it is to sound, in words; not for tts-1 and tts-1-hd. */
  instructions?: string;
  /** 0.25 to 4. */
  speed?: number;
  timeouts?: VendorTimeouts;
};

const VENDOR_RATE_HZ = 24_000;
/** Requests under way in one reply: the one that is heard and the one after it. More: more is thrown away at a barge-in. */
const REQUESTS_AHEAD = 2;
const SPEAKABLE = /[\p{L}\p{N}]/u;

type Requested = { clause: string; response: Promise<Response> };

export class OpenAiSpeech implements TextToSpeech {
  readonly name: string;
  readonly #options: OpenAiSpeechOptions;
  readonly #timeouts: Required<VendorTimeouts>;
  readonly #fetch: typeof globalThis.fetch;

  constructor(options: OpenAiSpeechOptions) {
    this.name = `${options.vendor}/${options.model}`;
    this.#options = options;
    this.#timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
    this.#fetch = vendorFetch({ provider: this.name, connectMs: this.#timeouts.firstResultMs });
  }

  /**
   * Yields audio as it comes, the first piece of each clause with its text. There are no word times. Ends, without an
   * error, when `signal` aborts; its requests are dropped.
   * @throws ProviderError, and whatever `clauses` throws
   */
  async *speak(clauses: AsyncIterable<string>, voice: string, signal: AbortSignal): AsyncGenerator<SpokenAudio> {
    if (signal.aborted) return;
    const deadline = new Deadline(this.name, signal);
    const requests = new RequestsAhead(clauses, (clause) => this.#request(clause, voice, deadline.signal), signal);
    try {
      for await (const { clause, response } of requests.started) {
        yield* this.#read(clause, await response, deadline);
        if (signal.aborted) return;
        requests.finishedOne();
      }
    } catch (error) {
      if (signal.aborted) return;
      throw deadline.missed ?? error;
    } finally {
      requests.close();
      deadline.close();
    }
  }

  #request(clause: string, voice: string, signal: AbortSignal): Promise<Response> {
    const { baseUrl = 'https://api.openai.com/v1', apiKey, model, instructions, speed } = this.#options;
    return this.#fetch(`${baseUrl}/audio/speech`, {
      method: 'POST',
      signal,
      headers: { 'content-type': 'application/json', ...(apiKey && { authorization: `Bearer ${apiKey}` }) },
      body: JSON.stringify({ model, input: clause, voice, response_format: 'pcm', instructions, speed }),
    });
  }

  async *#read(clause: string, response: Response, deadline: Deadline): AsyncGenerator<SpokenAudio> {
    const { sampleRateHz } = this.#options;
    const resampler = new Resampler({ fromHz: VENDOR_RATE_HZ, toHz: sampleRateHz });
    const convert = (samples: Int16Array) => (sampleRateHz === VENDOR_RATE_HZ ? samples : resampler.process(samples));
    let text = clause;
    for await (const samples of this.#samples(response, deadline)) {
      yield { pcm: { samples: convert(samples), sampleRateHz }, text };
      text = '';
    }
    if (text) throw new ProviderError('malformed_response', 'sent no audio', { provider: this.name });
    if (sampleRateHz !== VENDOR_RATE_HZ) yield { pcm: { samples: resampler.flush(), sampleRateHz }, text: '' };
  }

  /** 16-bit samples without a header; a chunk may end in the middle of one. */
  async *#samples(response: Response, deadline: Deadline): AsyncGenerator<Int16Array> {
    const type = response.headers.get('content-type') ?? '';
    if (/json|html/.test(type) || !response.body) {
      throw new ProviderError('malformed_response', `sent ${type} in place of audio`, { provider: this.name });
    }
    const { firstResultMs, stallMs } = this.#timeouts;
    deadline.expect('first_result_timed_out', firstResultMs, 'its first audio');
    let odd = new Uint8Array(0);
    try {
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        const bytes = new Uint8Array(odd.length + chunk.length);
        bytes.set(odd);
        bytes.set(chunk, odd.length);
        const even = bytes.length - (bytes.length % 2);
        odd = bytes.slice(even);
        deadline.pause();
        if (even > 0) yield new Int16Array(bytes.buffer, 0, even / 2);
        deadline.expect('stalled', stallMs, 'its next audio');
      }
    } catch (error) {
      throw deadline.missed ?? (error instanceof ProviderError ? error : lostConnection(this.name, error));
    } finally {
      deadline.pause();
    }
  }
}

/** Asks for clauses as they come, a few ahead of what is being read. */
class RequestsAhead {
  readonly started = new EventQueue<Requested>();
  readonly #source: AsyncIterator<string>;
  readonly #request: (clause: string) => Promise<Response>;
  readonly #signal: AbortSignal;
  #underWay = 0;
  #room: (() => void) | undefined;

  constructor(clauses: AsyncIterable<string>, request: (clause: string) => Promise<Response>, signal: AbortSignal) {
    this.#source = clauses[Symbol.asyncIterator]();
    this.#request = request;
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
    void this.#run();
  }

  finishedOne(): void {
    this.#underWay--;
    this.#room?.();
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.started.abandon();
    this.#room?.();
    this.#source.return?.().catch(() => undefined);
  }

  readonly #onAbort = (): void => this.close();

  async #run(): Promise<void> {
    try {
      for (let next = await this.#source.next(); !next.done; next = await this.#source.next()) {
        if (!SPEAKABLE.test(next.value)) continue;
        if (this.#underWay >= REQUESTS_AHEAD) await new Promise<void>((resolve) => (this.#room = resolve));
        if (this.started.ended) return;
        this.#underWay++;
        const response = this.#request(next.value);
        // Whoever reads it meets the error; nobody may.
        response.catch(() => undefined);
        this.started.push({ clause: next.value, response });
      }
      this.started.end();
    } catch (error) {
      this.started.fail(error);
    }
  }
}
