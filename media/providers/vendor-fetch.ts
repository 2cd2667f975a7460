/** HTTP to vendors: every way to fail becomes a ProviderError here. Connections are kept alive and shared by all calls. */
import { codeOfStatus, ProviderError, retryAfterMs } from './errors.ts';

export type VendorFetchOptions = {
  /** The provider's name, for errors. */
  provider: string;
  /** Until the head of the response is there. */
  connectMs: number;
};

/** As much of a refusal as is worth reading and telling. */
const MAX_REFUSAL_CHARACTERS = 500;

/**
 * A `fetch` that throws where the vendor refuses. The response's body may still fail later: see `lostConnection`.
 * @throws ProviderError; whatever the request's signal aborted with, when it did
 */
export function vendorFetch({ provider, connectMs }: VendorFetchOptions): typeof globalThis.fetch {
  return async (input, init) => {
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort(new ProviderError('connect_timed_out', `no answer within ${connectMs} ms`, { provider }));
    }, connectMs);
    const signal = init?.signal ? AbortSignal.any([init.signal, late.signal]) : late.signal;
    try {
      // Keys go to the vendor and to nobody whom it names: only some headers would be kept from another host.
      const response = await fetch(input, { ...init, signal, redirect: 'error' });
      if (response.ok) return response;
      throw await refusal(provider, response);
    } catch (error) {
      if (late.signal.aborted) throw late.signal.reason;
      if (error instanceof ProviderError || init?.signal?.aborted) throw error;
      throw new ProviderError('connect_failed', `cannot be reached (${reasonOf(error)})`, { provider, cause: error });
    } finally {
      clearTimeout(timer);
    }
  };
}

/** What an error of a response's body is, where nobody aborted it. */
export function lostConnection(provider: string, error: unknown): ProviderError {
  return new ProviderError('connection_lost', `the connection was lost (${reasonOf(error)})`, {
    provider,
    cause: error,
  });
}

/**
 * A body as text, and no more of it than is wanted: the rest is not waited for.
 * @returns `whole`: there was no more
 * @throws what the connection fails with
 */
export async function readText(response: Response, mostBytes: number): Promise<{ text: string; whole: boolean }> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    text += decoder.decode(chunk.subarray(0, chunk.length - Math.max(0, bytes - mostBytes)), { stream: true });
    // Leaving the loop cancels the body.
    if (bytes > mostBytes) return { text, whole: false };
  }
  return { text: text + decoder.decode(), whole: true };
}

async function refusal(provider: string, response: Response): Promise<ProviderError> {
  const { text } = await readText(response, 4 * MAX_REFUSAL_CHARACTERS).catch(() => ({ text: '' }));
  const { message, code } = vendorsWords(text);
  const retryAfter = retryAfterMs(response.headers.get('retry-after'), Date.now());
  return new ProviderError(
    code === 'model_not_found' ? 'unknown_model' : codeOfStatus(response.status),
    `HTTP ${response.status}: ${message.slice(0, MAX_REFUSAL_CHARACTERS) || response.statusText}`,
    { provider, status: response.status, ...(retryAfter !== undefined && { retryAfterMs: retryAfter }) },
  );
}

/** Vendors put their reason into `error.message`, `message` or `error`, and a code beside it. */
export function vendorsWords(text: string): { message: string; code?: string } {
  try {
    const body = JSON.parse(text) as Record<string, unknown> | null;
    const inner = body?.['error'] ?? body;
    if (typeof inner === 'string') return { message: inner };
    const { message, err_msg: deepgrams, code, error_code: cartesias } = (inner ?? {}) as Record<string, unknown>;
    const firstText = (...values: unknown[]) => values.find((value) => typeof value === 'string');
    const found = firstText(code, cartesias);
    return { message: firstText(message, deepgrams) ?? '', ...(found !== undefined && { code: found }) };
  } catch {
    // No JSON: a proxy's page, or plain text.
    return { message: text };
  }
}

/** undici hides the reason ("fetch failed") in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error) return ('code' in cause && String(cause.code)) || cause.message;
  return error.message;
}
