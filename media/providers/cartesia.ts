/**
 * Cartesia's voices over a WebSocket: clauses go in as they are generated, audio and word times come out. A reply is one
 * context, in which the prosody goes on from clause to clause; each clause is flushed, so that its audio ends with a mark
 * and is known by it.
 */
import { randomUUID } from 'node:crypto';
import { monotonicMs } from '../runtime/clock.ts';
import { type CartesiaSocket, type CartesiaSockets, cartesiaError } from './cartesia-sockets.ts';
import { CartesiaAudio } from './cartesia-audio.ts';
import { Deadline, DEFAULT_TIMEOUTS, type VendorTimeouts } from './deadline.ts';
import type { ProviderError } from './errors.ts';
import { EventQueue } from './event-queue.ts';
import type { SpokenAudio, TextToSpeech } from './provider.ts';

export type CartesiaSpeechOptions = {
  /** Shared by all models and calls of a key. */
  sockets: CartesiaSockets;
  model: string;
  sampleRateHz: 24_000 | 48_000;
  /** A BCP 47 tag; only its language is told. Default English. */
  language?: string;
  /** 1 is the voice's own pace. */
  speed?: number;
  timeouts?: VendorTimeouts;
};

/** A context dies a second after its last audio; one that may be about to is left for a new one. */
const CONTEXT_IDLE_MS = 500;
const SPEAKABLE = /[\p{L}\p{N}]/u;

export class CartesiaSpeech implements TextToSpeech {
  readonly name: string;
  readonly #options: CartesiaSpeechOptions;

  constructor(options: CartesiaSpeechOptions) {
    this.name = `cartesia/${options.model}`;
    this.#options = options;
  }

  /** Connects ahead of the first reply. @throws ProviderError */
  async warm(): Promise<void> {
    await this.#options.sockets.warm();
  }

  /**
   * Yields audio as it comes, about ten pieces a second, the first with its clause's text. Ends, without an error, when
   * `signal` aborts: the context is cancelled, the socket stays.
   * @throws ProviderError, and whatever `clauses` throws
   */
  async *speak(clauses: AsyncIterable<string>, voice: string, signal: AbortSignal): AsyncGenerator<SpokenAudio> {
    if (signal.aborted) return;
    const reply = new Reply(this.#options, this.name, voice, signal);
    void reply.run(clauses);
    try {
      yield* reply.audio;
    } finally {
      reply.close();
    }
  }
}

class Reply {
  readonly audio = new EventQueue<SpokenAudio>();
  readonly #options: CartesiaSpeechOptions;
  readonly #voice: string;
  readonly #deadline: Deadline;
  readonly #timeouts: Required<VendorTimeouts>;
  readonly #assembly: CartesiaAudio;
  #socket: CartesiaSocket | undefined;
  #contextId: string | undefined;
  #source: AsyncIterator<string> | undefined;
  /** Clauses sent whose audio is not complete. */
  #outstanding = 0;
  #lastMessageMs = 0;
  #sentAll = false;
  #closed = false;

  constructor(options: CartesiaSpeechOptions, name: string, voice: string, signal: AbortSignal) {
    this.#options = options;
    this.#voice = voice;
    this.#timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
    this.#deadline = new Deadline(name, signal);
    this.#assembly = new CartesiaAudio(options.sampleRateHz);
    this.#deadline.signal.addEventListener('abort', () => {
      if (this.#closed) return;
      if (this.#deadline.missed) this.#fail(this.#deadline.missed);
      else this.audio.abandon();
      this.close();
    });
  }

  /** Sends clauses until there are no more. Never rejects: what fails, fails the audio. */
  async run(clauses: AsyncIterable<string>): Promise<void> {
    this.#source = clauses[Symbol.asyncIterator]();
    try {
      for (let next = await this.#source.next(); !next.done; next = await this.#source.next()) {
        if (this.audio.ended) return;
        if (SPEAKABLE.test(next.value)) await this.#send(next.value);
      }
      this.#sentAll = true;
      if (this.#contextId) this.#say('', { continue: false });
      this.#endIfDone();
    } catch (error) {
      this.#fail(error);
      this.close();
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#leaveContext({ cancel: !(this.#sentAll && this.#outstanding === 0) });
    this.#deadline.close();
    this.audio.end();
    this.#source?.return?.().catch(() => undefined);
    this.#source = undefined;
  }

  async #send(clause: string): Promise<void> {
    const idleMs = monotonicMs() - this.#lastMessageMs;
    if (this.#outstanding === 0 && idleMs > CONTEXT_IDLE_MS) this.#leaveContext({ cancel: false });
    if (!this.#contextId) await this.#enterContext();
    if (this.audio.ended) return;
    this.#assembly.expect(clause);
    this.#outstanding++;
    // Transcripts are joined as they are, so each ends with a space.
    this.#say(`${clause.trim()} `, { continue: true });
    this.#say('', { continue: true, flush: true });
    if (this.#outstanding === 1) this.#await('first_result_timed_out', this.#timeouts.firstResultMs, 'its first audio');
  }

  async #enterContext(): Promise<void> {
    const socket = await this.#options.sockets.acquire(this.#deadline.signal);
    if (!socket || this.audio.ended) return;
    const contextId = randomUUID();
    this.#socket = socket;
    this.#contextId = contextId;
    this.#assembly.beginContext();
    socket.listen(contextId, {
      message: (message) => this.#receive(message),
      fail: (error) => {
        this.#contextId = undefined;
        this.#fail(error);
        this.close();
      },
    });
  }

  #leaveContext({ cancel }: { cancel: boolean }): void {
    if (!this.#contextId) return;
    this.#socket?.forget(this.#contextId);
    if (cancel) this.#socket?.send({ context_id: this.#contextId, cancel: true });
    this.#contextId = undefined;
  }

  /** All fields but these must stay the same within a context. */
  #say(transcript: string, how: { continue: boolean; flush?: boolean }): void {
    const { model, sampleRateHz, language = 'en', speed } = this.#options;
    this.#socket!.send({
      context_id: this.#contextId,
      model_id: model,
      transcript,
      ...how,
      voice: { mode: 'id', id: this.#voice },
      language: language.split('-')[0],
      output_format: { container: 'raw', encoding: 'pcm_s16le', sample_rate: sampleRateHz },
      add_timestamps: true,
      // Clauses are whole already; 3,000 ms is what current versions wait for more.
      max_buffer_delay_ms: 0,
      ...(speed !== undefined && { generation_config: { speed } }),
    });
  }

  #receive(message: Record<string, unknown>): void {
    this.#lastMessageMs = monotonicMs();
    if (message['type'] === 'error') {
      this.#contextId = undefined;
      this.#fail(cartesiaError(message));
      return this.close();
    }
    for (const piece of this.#assembly.take(message)) this.audio.push(piece);
    if (message['type'] === 'flush_done') this.#outstanding = Math.max(0, this.#outstanding - 1);
    if (message['type'] === 'done') {
      // Also where the context expired before all was sent: the next clause begins another.
      this.#outstanding = 0;
      this.#leaveContext({ cancel: false });
    }
    if (this.#outstanding > 0) this.#await('stalled', this.#timeouts.stallMs, 'its next audio');
    else this.#deadline.pause();
    this.#endIfDone();
  }

  #await(code: ProviderError['code'], ms: number, what: string): void {
    this.#deadline.expect(code, ms, what);
  }

  #endIfDone(): void {
    if (this.#sentAll && !this.#contextId) this.close();
    else if (this.#sentAll && this.#outstanding === 0)
      this.#await('stalled', this.#timeouts.stallMs, 'the end of its audio');
  }

  /** Which words were spoken is told first: another voice goes on after them. */
  #fail(error: unknown): void {
    for (const piece of this.#assembly.rest()) this.audio.push(piece);
    this.audio.fail(error);
  }
}
