/** Deepgram's Flux over `/v2/listen`: recognition that tells when a turn starts, may be over, goes on, and is over. */
import { monotonicMs } from '../runtime/clock.ts';
import { ProviderError } from './errors.ts';
import type { SpeechToTextEvent, SpeechToTextStream } from './provider.ts';
import { bytesOf, TranscriptionSocket } from './transcription-socket.ts';
import { numberOf, textOf } from './vendor-fields.ts';

/** Defaults are Deepgram's (developers.deepgram.com/docs/flux/configuration, read 2026-11-25). */
export type FluxOptions = {
  /** 0.5 to 1; more waits for surer ends. Default 0.7; 1 leaves the ends to `flush`. */
  eotThreshold?: number;
  /** 0.3 to 0.9; without it there are no eager ends. */
  eagerEotThreshold?: number;
  /** 500 to 60,000; silence that ends a turn in any case. Default 5,000. */
  eotTimeoutMs?: number;
};

/** Chunks of 80 ms at 16 kHz are what Flux is made for: shorter ones cost it accuracy and speed. */
const CHUNK_SAMPLES = 1_280;
/** Audio that brings at least one update: two and a bit of its quarters of a second. */
const AUDIBLE_SAMPLES = 9_600;

type TurnInfo = {
  event: 'Update' | 'StartOfTurn' | 'EagerEndOfTurn' | 'TurnResumed' | 'EndOfTurn';
  transcript: string;
  trigger?: string;
  audio_window_start: number;
  audio_window_end: number;
  end_of_turn_confidence: number;
};

export class DeepgramFluxStream implements SpeechToTextStream {
  readonly #socket: TranscriptionSocket;
  readonly #provider: string;
  readonly #stallMs: number;
  readonly #chunk = new Int16Array(CHUNK_SAMPLES);
  #filled = 0;
  #inTurn = false;
  #partial = '';
  /** When the audio began to flow that nothing was said about yet. */
  #unansweredSinceMs: number | undefined;
  #unansweredSamples = 0;

  constructor(options: ConstructorParameters<typeof TranscriptionSocket>[0], stallMs: number, signal: AbortSignal) {
    this.#provider = options.provider;
    this.#stallMs = stallMs;
    const protocol = {
      opened: () => this.#socket.ready(),
      message: (message: Record<string, unknown>) => this.#receive(message),
      farewell: '{"type":"CloseStream"}',
    };
    this.#socket = new TranscriptionSocket(options, protocol, signal);
  }

  write(pcm: Int16Array): void {
    for (let from = 0; from < pcm.length;) {
      const part = pcm.subarray(from, from + CHUNK_SAMPLES - this.#filled);
      this.#chunk.set(part, this.#filled);
      this.#filled += part.length;
      from += part.length;
      if (this.#filled === CHUNK_SAMPLES) this.#sendChunk();
    }
  }

  flush(): void {
    this.#sendChunk();
    this.#socket.enqueue('{"type":"ForceEndTurn"}');
    this.#socket.expectReply(this.#stallMs, () => {
      // Outside of a turn there is nothing to end, and no answer.
      if (!this.#inTurn && this.#unansweredSamples < AUDIBLE_SAMPLES) this.#tell({ type: 'flushed' });
      else this.#socket.failBy('stalled', `did not end the turn within ${this.#stallMs} ms`);
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

  #sendChunk(): void {
    if (this.#filled === 0) return;
    this.#socket.enqueue(bytesOf(this.#chunk.slice(0, this.#filled)));
    this.#unansweredSamples += this.#filled;
    this.#filled = 0;
    // An update comes with every quarter of a second of audio, speech or not.
    const nowMs = monotonicMs();
    this.#unansweredSinceMs ??= nowMs;
    if (nowMs - this.#unansweredSinceMs > this.#stallMs) {
      this.#socket.failBy('stalled', `heard ${this.#stallMs} ms of audio without an answer`);
    }
  }

  #receive(message: Record<string, unknown>): void {
    this.#unansweredSinceMs = undefined;
    this.#unansweredSamples = 0;
    if (message['type'] === 'TurnInfo') this.#takeTurn(message as unknown as TurnInfo);
    else if (message['type'] === 'Error') {
      const { code, description } = message;
      throw new ProviderError('vendor_failed', `${textOf(code) || 'error'}: ${textOf(description)}`, {
        provider: this.#provider,
      });
    }
  }

  #takeTurn(turn: TurnInfo): void {
    const { event } = turn;
    const transcript = textOf(turn.transcript);
    const times = {
      startMs: 1000 * numberOf(turn.audio_window_start),
      endMs: 1000 * numberOf(turn.audio_window_end),
    };
    const confidence = numberOf(turn.end_of_turn_confidence);
    if (event === 'EndOfTurn') {
      if (transcript) this.#tell({ type: 'final', text: transcript, ...times });
      this.#inTurn = false;
      this.#partial = '';
      this.#tell({ type: 'turn', event: 'end', confidence });
      if (turn.trigger === 'manual') this.#flushed();
      return;
    }
    if (event === 'StartOfTurn') {
      this.#inTurn = true;
      this.#tell({ type: 'turn', event: 'start' });
    }
    if (transcript && transcript !== this.#partial) this.#tell({ type: 'partial', text: transcript, ...times });
    this.#partial = transcript;
    if (event === 'EagerEndOfTurn') this.#tell({ type: 'turn', event: 'eager-end', confidence });
    if (event === 'TurnResumed') this.#tell({ type: 'turn', event: 'resumed' });
  }

  #flushed(): void {
    this.#socket.replied();
    this.#tell({ type: 'flushed' });
  }
}
