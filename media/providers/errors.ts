/** How the embedded providers fail. Vendors' providers bring codes of their own. */
import type { ProviderFault } from './provider.ts';

export type SpeechErrorCode =
  /** The synthesiser gave up on this text. */
  | 'speech_failed'
  /** The synthesiser took far longer than any clause should. */
  | 'speech_timed_out'
  /** The thread that speaks died, again after it had been started anew. */
  | 'speech_thread_died'
  | 'unknown_voice'
  | 'closed';

export class SpeechError extends Error implements ProviderFault {
  override readonly name = 'SpeechError';
  readonly code: SpeechErrorCode;
  readonly retryable: boolean;

  constructor(code: SpeechErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = code === 'speech_thread_died';
  }
}

export type ProviderErrorCode =
  /** The vendor does not know the key, or the key may not do this. */
  | 'unauthorized'
  /** The account has no credit left. */
  | 'payment_required'
  | 'rate_limited'
  /** The vendor does not know the model or the voice. */
  | 'unknown_model'
  /** The vendor refused what was asked: asking again would be refused again. */
  | 'invalid_request'
  /** The vendor answered that it has a problem of its own. */
  | 'vendor_failed'
  | 'connect_failed'
  | 'connect_timed_out'
  | 'first_result_timed_out'
  /** It had begun and then brought nothing more for too long. */
  | 'stalled'
  /** The connection ended before the result did. */
  | 'connection_lost'
  /** What came is not what the vendor's protocol allows. */
  | 'malformed_response'
  | 'closed';

/** Failures that the same request may not meet a second time. */
const RETRYABLE: ReadonlySet<ProviderErrorCode> = new Set([
  'rate_limited',
  'vendor_failed',
  'connect_failed',
  'connect_timed_out',
  'first_result_timed_out',
  'stalled',
  'connection_lost',
  'malformed_response',
]);

export type ProviderErrorDetail = {
  /** The provider's name, as `cartesia/sonic-3.5`. */
  provider: string;
  /** HTTP status, where there was one. */
  status?: number;
  /** How long the vendor asks to be left alone. */
  retryAfterMs?: number;
  cause?: unknown;
};

/** How a vendor fails. Its message carries the vendor's own words, never a key. */
export class ProviderError extends Error implements ProviderFault {
  override readonly name = 'ProviderError';
  readonly code: ProviderErrorCode;
  readonly retryable: boolean;
  readonly provider: string;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ProviderErrorCode, message: string, detail: ProviderErrorDetail) {
    super(`${detail.provider}: ${message}`, detail.cause === undefined ? {} : { cause: detail.cause });
    this.code = code;
    this.retryable = RETRYABLE.has(code);
    this.provider = detail.provider;
    this.status = detail.status;
    this.retryAfterMs = detail.retryAfterMs;
  }
}

/** What an HTTP status of a vendor means, also where a WebSocket's handshake or message carries one. */
export function codeOfStatus(status: number): ProviderErrorCode {
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 402) return 'payment_required';
  if (status === 404) return 'unknown_model';
  if (status === 429) return 'rate_limited';
  return status >= 500 || status === 408 ? 'vendor_failed' : 'invalid_request';
}

/** Retry-After in milliseconds: seconds or a date (RFC 9110, 10.2.3), at most five minutes. */
export function retryAfterMs(header: string | null | undefined, wallClockMs: number): number | undefined {
  if (!header) return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - wallClockMs;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), MAX_RETRY_AFTER_MS) : undefined;
}

const MAX_RETRY_AFTER_MS = 300_000;
