/**
 * The sockets to Cartesia that all calls of one key share. A socket carries many contexts, one for each reply, so that a
 * reply waits for no handshake. Cartesia closes one that was idle for five minutes.
 */
import { WebSocket } from 'ws';
import { codeOfStatus, ProviderError, type ProviderErrorCode } from './errors.ts';
import { ABORTED, orAborted } from './or-aborted.ts';
import { closedByVendor, closeVendorSocket, openVendorSocket, parseVendorMessage } from './vendor-socket.ts';

export type CartesiaSocketsOptions = {
  apiKey: string;
  /** Default `wss://api.cartesia.ai`. */
  baseUrl?: string;
  connectMs: number;
};

/** What a context is told: a message of its own, or why there will be none. */
export type ContextListener = { message(message: Record<string, unknown>): void; fail(error: ProviderError): void };

const PROVIDER = 'cartesia';
/** The version whose errors have codes (docs.cartesia.ai/use-the-api/api-errors, read 2026-11-25). */
const API_VERSION = '2026-03-01';
/** "Dozens" are said to be well. More: less sockets, later audio when all speak at once. */
const CONTEXTS_PER_SOCKET = 24;

export class CartesiaSockets {
  readonly #options: CartesiaSocketsOptions;
  readonly #closing = new AbortController();
  readonly #open = new Set<CartesiaSocket>();
  #connecting: Promise<CartesiaSocket> | undefined;

  constructor(options: CartesiaSocketsOptions) {
    this.#options = options;
  }

  /** Opens a socket ahead of the first reply, if there is none. @throws ProviderError */
  async warm(): Promise<void> {
    await this.acquire(this.#closing.signal);
  }

  /** A socket with room for one more context; undefined when `signal` aborts first. @throws ProviderError */
  async acquire(signal: AbortSignal): Promise<CartesiaSocket | undefined> {
    if (this.#closing.signal.aborted) throw new ProviderError('closed', 'is closed', { provider: PROVIDER });
    const ready = [...this.#open].find((socket) => socket.usable && socket.contexts < CONTEXTS_PER_SOCKET);
    if (ready) return ready;
    // Whoever comes while a socket is being opened shares it: the limit is not a hard one.
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined));
    const socket = await orAborted(this.#connecting, signal);
    return socket === ABORTED ? undefined : socket;
  }

  /** Contexts that are still open fail with `closed`. */
  close(): void {
    this.#closing.abort(new ProviderError('closed', 'is closed', { provider: PROVIDER }));
    for (const socket of this.#open) socket.close();
  }

  async #connect(): Promise<CartesiaSocket> {
    const { apiKey, baseUrl = 'wss://api.cartesia.ai', connectMs } = this.#options;
    const url = new URL('/tts/websocket', baseUrl.replace(/^http/, 'ws'));
    const headers = { Authorization: `Bearer ${apiKey}`, 'Cartesia-Version': API_VERSION };
    const connection = await openVendorSocket({ provider: PROVIDER, url, headers, connectMs }, this.#closing.signal);
    const socket = new CartesiaSocket(connection, () => this.#open.delete(socket));
    this.#open.add(socket);
    return socket;
  }
}

export class CartesiaSocket {
  readonly #socket: WebSocket;
  readonly #listeners = new Map<string, ContextListener>();

  constructor(socket: WebSocket, onClose: () => void) {
    this.#socket = socket;
    socket.on('message', (data) => this.#receive(data));
    socket.once('close', (code, reason) => {
      onClose();
      this.#failAll(closedByVendor(PROVIDER, code, reason));
    });
  }

  get usable(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  get contexts(): number {
    return this.#listeners.size;
  }

  listen(contextId: string, listener: ContextListener): void {
    this.#listeners.set(contextId, listener);
  }

  /** What still comes for this context is dropped: audio on its way follows a cancellation. */
  forget(contextId: string): void {
    this.#listeners.delete(contextId);
  }

  send(message: Record<string, unknown>): void {
    this.#socket.send(JSON.stringify(message), () => undefined);
  }

  close(): void {
    this.#failAll(new ProviderError('closed', 'is closed', { provider: PROVIDER }));
    closeVendorSocket(this.#socket);
  }

  #receive(data: unknown): void {
    try {
      const message = parseVendorMessage(PROVIDER, data);
      const { context_id: contextId } = message;
      if (typeof contextId === 'string') this.#listeners.get(contextId)?.message(message);
      // An error without a context concerns the connection.
      else if (message['type'] === 'error') this.#failAll(cartesiaError(message));
    } catch (error) {
      const malformed = new ProviderError('malformed_response', String(error), { provider: PROVIDER, cause: error });
      this.#failAll(error instanceof ProviderError ? error : malformed);
      this.#socket.terminate();
    }
  }

  #failAll(error: ProviderError): void {
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    for (const listener of listeners) listener.fail(error);
  }
}

const CODES: Record<string, ProviderErrorCode> = {
  model_not_found: 'unknown_model',
  voice_not_found: 'unknown_model',
  concurrency_limited: 'rate_limited',
};

/** An error message of either form: `error` before 2026-03-01, `title`, `message` and `error_code` since. */
export function cartesiaError(message: Record<string, unknown>): ProviderError {
  const { status_code: status, error_code: code, error, title, message: words } = message;
  const text = [title, words, error].filter((part) => typeof part === 'string').join(': ');
  const known = typeof code === 'string' && Object.hasOwn(CODES, code) ? CODES[code] : undefined;
  const byStatus = typeof status === 'number' ? codeOfStatus(status) : 'vendor_failed';
  return new ProviderError(known ?? byStatus, text || 'an error without a message', {
    provider: PROVIDER,
    ...(typeof status === 'number' && { status }),
  });
}
