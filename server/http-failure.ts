/** Errors on their way to an HTTP client, all as `{ error: { code, message } }`. The one place that maps them. */
import {
  PodUnreachable,
  RemoteRefusal,
  SignallingFailure,
  StaleEpoch,
  StoreUnavailable,
  toFailure,
} from '../signalling/errors.ts';
import type { SignallingErrorCode } from '../signalling/protocol.ts';
import { AgentNotFound, AgentUnavailable, OverridesInvalid, VariablesInvalid } from './agent-errors.ts';

/** An answer other than success, with words that may be shown. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure';
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** Codes of signalling that HTTP callers can meet, too. */
const STATUS: Partial<Record<SignallingErrorCode, number>> = {
  session_not_found: 404,
  session_ended: 409,
  server_busy: 503,
};

/** Whose codes are our own. */
const OF_THE_FLEET = [SignallingFailure, StoreUnavailable, PodUnreachable, RemoteRefusal, StaleEpoch];

/** What the body parser throws, by its status. */
const BODY_CODES: Record<number, [code: string, message: string]> = {
  400: ['invalid_json', 'The body is not valid JSON.'],
  413: ['body_too_large', 'The body is too large.'],
  415: ['unsupported_media_type', 'The body must be JSON in UTF-8.'],
};

/**
 * Turns whatever was thrown into an answer. Only what is known to be the client's doing becomes a 4xx; everything else
 * is a 500 whatever status it carries, so that a fault of the server never hides behind a 4xx.
 */
export const toHttpFailure = (error: unknown): HttpFailure => {
  if (error instanceof HttpFailure) return error;
  if (error instanceof AgentNotFound || error instanceof OverridesInvalid || error instanceof VariablesInvalid) {
    return new HttpFailure(400, error.code, error.message);
  }
  // Whoever asks has done nothing wrong, and asking again helps once the server's settings are others.
  if (error instanceof AgentUnavailable) return new HttpFailure(503, error.code, error.message);
  // Another pod or Redis that does not answer just now is no fault inside this server, and asking again helps.
  if (OF_THE_FLEET.some((kind) => error instanceof kind)) {
    const { code, message } = toFailure(error);
    const status = STATUS[code];
    const headers: Record<string, string> = code === 'server_busy' ? { 'Retry-After': '5' } : {};
    if (status !== undefined) return new HttpFailure(status, code, message, headers);
  }
  return new HttpFailure(500, 'internal', 'Something went wrong on the server.');
};

/** For the body parser alone: its errors are about the client's bytes. */
export const bodyFailure = (error: Error): HttpFailure => {
  const status = 'status' in error && typeof error.status === 'number' ? error.status : 400;
  const [code, message] = BODY_CODES[status] ?? ['invalid_body', 'The body could not be read.'];
  return new HttpFailure(status < 500 ? status : 400, code, message);
};

/** Answers that no route gave: wrong path, wrong method. */
export const emptyFailure = (status: number): HttpFailure =>
  status === 405 || status === 501
    ? new HttpFailure(405, 'method_not_allowed', 'This method is not allowed here.')
    : new HttpFailure(404, 'not_found', 'There is nothing here.');
