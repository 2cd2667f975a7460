/** What all recognisers over a WebSocket have in common: audio waits for the connection, and every end tells why. */
import type { WebSocket } from 'ws';
import { ProviderError, type ProviderErrorCode } from './errors.ts';
import { EventQueue } from './event-queue.ts';
import type { SpeechToTextEvent } from './provider.ts';
import {
  closedByVendor,
  closeVendorSocket,
  openVendorSocket,
  parseVendorMessage,
  type VendorSocketOptions,
} from './vendor-socket.ts';

/** A recogniser's side of the protocol. */
export type TranscriptionProtocol = {
  /** The connection is open. Audio flows once `ready` was called. */
  opened(): void;
  message(message: Record<string, unknown>): void;
  /** Said before the connection is closed from here. */
  farewell?: string;
};

/** Audio kept while the connection is not ready. Longer than any deadline for connecting. */
const MAX_WAITING_BYTES = 32_000 * 30;

export class TranscriptionSocket {
  readonly events: EventQueue<SpeechToTextEvent>;
  readonly #options: VendorSocketOptions;
  readonly #protocol: TranscriptionProtocol;
  readonly #signal: AbortSignal;
  readonly #closing = new AbortController();
  #socket: WebSocket | undefined;
  /** What waits for the connection; undefined once it is ready. */
  #waiting: (string | Buffer)[] | undefined = [];
  #waitingBytes = 0;
  #connecting: NodeJS.Timeout | undefined;
  #reply: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: VendorSocketOptions, protocol: TranscriptionProtocol, signal: AbortSignal) {
    this.#options = options;
    this.#protocol = protocol;
    this.#signal = signal;
    this.events = new EventQueue(() => this.close());
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
    else void this.#open();
  }

  /** Sends a message at once, ready or not. */
  say(message: Record<string, unknown>): void {
    this.#send(JSON.stringify(message));
  }

  /** Sends audio or a message in its place among the audio, as soon as the connection is ready. */
  enqueue(data: string | Buffer): void {
    if (this.#closed) return;
    if (!this.#waiting) return this.#send(data);
    this.#waiting.push(data);
    this.#waitingBytes += data.length;
    while (this.#waitingBytes > MAX_WAITING_BYTES) this.#waitingBytes -= this.#waiting.shift()!.length;
  }

  ready(): void {
    clearTimeout(this.#connecting);
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const data of waiting) this.#send(data);
  }

  /** Calls back unless `replied` is called first; the later of two takes the place of the earlier. */
  expectReply(ms: number, onLate: () => void): void {
    clearTimeout(this.#reply);
    if (!this.#closed) this.#reply = setTimeout(onLate, ms);
  }

  replied(): void {
    clearTimeout(this.#reply);
  }

  fail(error: ProviderError): void {
    this.events.push({ type: 'error', error });
    this.close();
  }

  failBy(code: ProviderErrorCode, message: string): void {
    this.fail(new ProviderError(code, message, { provider: this.#options.provider }));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#connecting);
    clearTimeout(this.#reply);
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#closing.abort();
    this.events.end();
    if (!this.#socket) return;
    if (this.#protocol.farewell) this.#send(this.#protocol.farewell);
    closeVendorSocket(this.#socket);
  }

  readonly #onAbort = (): void => {
    this.events.abandon();
    this.close();
  };

  async #open(): Promise<void> {
    const { connectMs } = this.#options;
    this.#connecting = setTimeout(
      () => this.failBy('connect_timed_out', `not ready within ${connectMs} ms`),
      connectMs,
    );
    try {
      this.#socket = await openVendorSocket(this.#options, this.#closing.signal);
    } catch (error) {
      if (!this.#closed) this.fail(error as ProviderError);
      return;
    }
    this.#socket.on('message', (data) => this.#receive(data));
    this.#socket.once('close', (code, reason) => {
      if (!this.#closed) this.fail(closedByVendor(this.#options.provider, code, reason));
    });
    this.#protocol.opened();
  }

  #receive(data: unknown): void {
    if (this.#closed) return;
    try {
      this.#protocol.message(parseVendorMessage(this.#options.provider, data));
    } catch (error) {
      const { provider } = this.#options;
      const malformed = new ProviderError('malformed_response', String(error), { provider, cause: error });
      this.fail(error instanceof ProviderError ? error : malformed);
    }
  }

  #send(data: string | Buffer): void {
    // What fails to be sent is followed by `close`.
    this.#socket?.send(data, () => undefined);
  }
}

/** The bytes of samples, not copied: whoever writes them leaves them alone. */
export function bytesOf(samples: Int16Array): Buffer {
  return Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
}
