/** Every way in which a call can go wrong, with a stable code for programs and a sentence for people. */

const messages = {
  microphone_denied: 'The microphone is blocked. Allow it in the address bar, or type instead.',
  microphone_missing: 'No microphone was found. Connect one and try again, or type instead.',
  microphone_in_use: 'The microphone cannot be opened; another program may use it. You can type instead.',
  microphone_lost: 'The microphone was disconnected. Choose another one, or type instead.',
  insecure_origin: 'Browsers give the microphone to secure pages only: use https:// or localhost, or type instead.',
  token_refused: 'The server did not accept the access token. Start a new conversation.',
  session_not_found: 'This conversation no longer exists. Start a new one.',
  session_ended: 'This conversation has ended. Start a new one.',
  superseded: 'This conversation was continued in another window.',
  server_unreachable: 'The server cannot be reached. Check the network and try again.',
  server_busy: 'The server is full at the moment. Try again shortly.',
  connection_lost: 'The connection to the server was lost and could not be restored.',
  ice_failed:
    'The server answers, but sound does not get through. A firewall or VPN may block it; try another network.',
  autoplay_blocked: 'The browser waits for a click before it plays sound.',
  unsupported: 'This browser cannot make calls. Use a current Chrome, Edge, Firefox or Safari.',
  version_mismatch: 'This page is older or newer than the server. Reload it.',
  reconnecting: 'The connection to the server is being restored. Try again in a moment.',
  request_failed: 'The server could not do what was asked.',
} as const;

export type ParleyErrorCode = keyof typeof messages;

/** Rejects `connect()` where connecting is impossible; everything else arrives through the `error` event. */
export class ParleyError extends Error {
  /** Stable: decide by it, not by the message. */
  readonly code: ParleyErrorCode;
  /** Whether the call goes on in spite of it. */
  readonly recoverable: boolean;

  constructor(code: ParleyErrorCode, options: { cause?: unknown; message?: string } = {}) {
    super(options.message ?? messages[code], options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ParleyError';
    this.code = code;
    this.recoverable = recoverableCodes.has(code);
  }
}

const recoverableCodes: ReadonlySet<ParleyErrorCode> = new Set([
  'microphone_denied',
  'microphone_missing',
  'microphone_in_use',
  'microphone_lost',
  'insecure_origin',
  'autoplay_blocked',
  'reconnecting',
  'request_failed',
]);

/** What `getUserMedia` rejects with, by the names of the Media Capture specification. */
export function microphoneError(cause: unknown): ParleyError {
  const name = cause instanceof Error ? cause.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return new ParleyError('microphone_denied', { cause });
  if (name === 'NotFoundError' || name === 'OverconstrainedError') {
    return new ParleyError('microphone_missing', { cause });
  }
  return new ParleyError('microphone_in_use', { cause });
}

/** Codes of the signalling protocol that end a session for this client, as its own errors. */
const fatalCodes: Readonly<Record<string, ParleyErrorCode>> = {
  unauthorized: 'token_refused',
  session_not_found: 'session_not_found',
  session_ended: 'session_ended',
  superseded: 'superseded',
  unsupported_version: 'version_mismatch',
};

/**
 * The error for a code of the signalling protocol after which trying again is useless; `undefined` where the next
 * attempt may succeed.
 */
export function fatalSignallingError(code: string, cause?: unknown): ParleyError | undefined {
  const own = fatalCodes[code];
  return own === undefined ? undefined : new ParleyError(own, cause === undefined ? {} : { cause });
}

/** An error acknowledgement of the server as a typed error. */
export function refusedRequest(request: string, error: { code: string; message: string }): ParleyError {
  const fatal = fatalSignallingError(error.code, error);
  if (fatal) return fatal;
  if (error.code === 'server_busy') return new ParleyError('server_busy', { cause: error });
  return new ParleyError('request_failed', { cause: error, message: `${request}: ${error.message} (${error.code})` });
}

/**
 * What to do after a join was refused.
 *
 * @param joinedOnce whether this client has been in the session before, which it then tries to come back to
 */
export function afterRefusedJoin(error: ParleyError, joinedOnce: boolean): 'fail' | 'retry' {
  if (error.code === 'server_busy') return 'retry';
  return joinedOnce && error.recoverable ? 'retry' : 'fail';
}

/** Where a refusal carries its code: in Socket.IO's `data`, or as the message itself. */
export function refusalCode(error: Error & { data?: unknown }): string {
  const data = error.data;
  if (typeof data === 'object' && data !== null && 'code' in data && typeof data.code === 'string') return data.code;
  return error.message;
}
