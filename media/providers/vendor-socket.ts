/** WebSockets to vendors: every way to fail becomes a ProviderError here. */
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { codeOfStatus, ProviderError, retryAfterMs } from './errors.ts';
import { vendorsWords } from './vendor-fetch.ts';

export type VendorSocketOptions = {
  /** The provider's name, for errors. */
  provider: string;
  url: URL;
  headers: Record<string, string>;
  /** Until the handshake is over. */
  connectMs: number;
};

/** A vendor's answer to `close` is not waited for longer than this. */
const CLOSE_TIMEOUT_MS = 500;
/** The largest message that a vendor may send: far more than a second of audio in base64. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const MAX_REFUSAL_BYTES = 2_000;

/** @throws ProviderError; nothing stays open then, nor when `signal` aborts, which throws its reason */
export function openVendorSocket(options: VendorSocketOptions, signal: AbortSignal): Promise<WebSocket> {
  const { provider, url, headers, connectMs } = options;
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>();
  const socket = new WebSocket(url, { headers, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES });
  const fail = (error: Error) => {
    reject(error);
    socket.terminate();
  };
  const timer = setTimeout(() => {
    fail(new ProviderError('connect_timed_out', `no connection within ${connectMs} ms`, { provider }));
  }, connectMs);
  const onAbort = () => fail(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  socket.once('open', () => resolve(socket));
  socket.once('unexpected-response', (request, response) => {
    void refusal(provider, response).then((error) => {
      request.destroy();
      fail(error);
    });
  });
  // Errors after the handshake are followed by `close`, which whoever uses the socket listens to.
  socket.on('error', (cause) => {
    reject(new ProviderError('connect_failed', `cannot be reached (${cause.message})`, { provider, cause }));
  });
  void promise
    .catch(() => undefined)
    .finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    });
  return promise;
}

/** Closes politely, and by force where the vendor does not answer. */
export function closeVendorSocket(socket: WebSocket): void {
  if (socket.readyState === WebSocket.CLOSED) return;
  const timer = setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.close(1000);
}

/** What the end of a socket means that nobody here asked for. */
export function closedByVendor(provider: string, code: number, reason: Buffer): ProviderError {
  const words = reason.toString();
  // 1008: a rule was broken. All others are troubles of the network or the vendor.
  return new ProviderError(
    code === 1008 ? 'invalid_request' : 'connection_lost',
    `the connection was closed (${code}${words && `: ${words}`})`,
    { provider },
  );
}

/** The object that a message holds. @throws ProviderError malformed_response */
export function parseVendorMessage(provider: string, data: unknown): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(String(data));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below, together with JSON that is no object.
  }
  throw new ProviderError('malformed_response', 'sent a message that is no JSON object', { provider });
}

async function refusal(provider: string, response: IncomingMessage): Promise<ProviderError> {
  let text = '';
  response.setEncoding('utf8');
  try {
    for await (const chunk of response) {
      text += String(chunk);
      if (text.length > MAX_REFUSAL_BYTES) break;
    }
  } catch {
    // The status tells enough.
  }
  const status = response.statusCode ?? 0;
  const { message, code } = vendorsWords(text.slice(0, MAX_REFUSAL_BYTES));
  const retryAfter = retryAfterMs(response.headers['retry-after'], Date.now());
  return new ProviderError(
    code === 'model_not_found' ? 'unknown_model' : codeOfStatus(status),
    `HTTP ${status}: ${message || response.statusMessage}`,
    { provider, status, ...(retryAfter !== undefined && { retryAfterMs: retryAfter }) },
  );
}
