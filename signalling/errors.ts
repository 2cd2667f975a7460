/** The errors of signalling. Each has a stable `code`; callers decide by it, never by the sentence. */
import type { EndReason, SignallingErrorCode, SessionState } from './protocol.ts';

/** What a client is told when a request fails. Nothing of the server's insides is in it. */
const SENTENCES: Record<SignallingErrorCode, string> = {
  invalid_message: 'The message is not valid.',
  unknown_event: 'There is no such request.',
  message_too_large: 'The message is too large.',
  unsupported_version: 'This server speaks another version of the protocol.',
  unauthorized: 'The token is missing, invalid or has ended.',
  session_not_found: 'There is no such session.',
  session_ended: 'The session has ended.',
  not_joined: 'Send join first.',
  already_joined: 'This connection has already joined.',
  unknown_transport: 'The session has no such transport.',
  invalid_media_parameters: 'The media parameters were not accepted.',
  too_many_requests: 'Too many requests; slow down.',
  server_busy: 'All places are taken; try again shortly.',
  superseded: 'The session was opened in another place.',
  internal: 'Something went wrong on the server.',
};

export const isSignallingErrorCode = (code: unknown): code is SignallingErrorCode =>
  typeof code === 'string' && Object.hasOwn(SENTENCES, code);

/** A request that is refused, with words that may be shown to the client. */
export class SignallingFailure extends Error {
  override readonly name = 'SignallingFailure';
  readonly code: SignallingErrorCode;

  constructor(code: SignallingErrorCode, sentence: string = SENTENCES[code], options?: ErrorOptions) {
    super(sentence, options);
    this.code = code;
  }
}

/** What another pod could not do because it could not reach a third one, or the store, or has just lost the session. */
const PASSING: ReadonlySet<string> = new Set(['store_unavailable', 'pod_unreachable', 'stale_epoch']);

/**
 * Turns whatever was thrown into what the client may know: our own failures as they are, an error of the media side by
 * its code with a fixed sentence (its text may name internals), anything else as `internal`.
 */
export const toFailure = (error: unknown): SignallingFailure => {
  if (error instanceof SignallingFailure) return error;
  // What another pod or the store could not do now may well be done a moment later.
  if (error instanceof StoreUnavailable || error instanceof PodUnreachable || error instanceof StaleEpoch) {
    return new SignallingFailure('server_busy', undefined, { cause: error });
  }
  if (error instanceof RemoteRefusal && PASSING.has(error.code)) {
    return new SignallingFailure('server_busy', undefined, { cause: error });
  }
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return new SignallingFailure(isSignallingErrorCode(code) ? code : 'internal', undefined, { cause: error });
};

/** Ids are made up once, so somebody asks for a session that was opened before. */
export class SessionExists extends Error {
  override readonly name = 'SessionExists';
  readonly code = 'session_exists';

  constructor(id: string) {
    super(`Session ${id} exists already.`);
  }
}

/** The state machine does not know this step. */
export class InvalidTransition extends Error {
  override readonly name = 'InvalidTransition';
  readonly code = 'invalid_transition';
  readonly state: SessionState;
  readonly endReason: EndReason | undefined;

  constructor(state: SessionState, event: string, endReason?: EndReason) {
    super(`A session that is ${state} cannot take "${event}".`);
    this.state = state;
    this.endReason = endReason;
  }
}

/** A write from a pod that no longer owns the session. It must stop that call at once. */
export class StaleEpoch extends Error {
  override readonly name = 'StaleEpoch';
  readonly code = 'stale_epoch';

  /** Left out: the epochs are not known, but that the session has been lost is. */
  constructor(sessionId: string, offered?: number, stored?: number) {
    const refused = offered === undefined ? 'a write' : `a write of epoch ${offered}`;
    super(`Session ${sessionId}: ${refused} was refused, the stored epoch is ${stored ?? 'higher'}.`);
  }
}

/**
 * The store knows a session under a lower epoch than that of its owner, who claimed it there: it has lost what was written since,
 * and takes nothing but the whole of it (`SessionStore.put`).
 */
export class StoreBehind extends Error {
  override readonly name = 'StoreBehind';
  readonly code = 'store_behind';

  constructor(sessionId: string, offered: number, stored: number) {
    super(`Session ${sessionId}: the store has it under epoch ${stored}, and lacks what was written up to ${offered}.`);
  }
}

/** The store cannot be reached just now. What was to be written may or may not have been. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
  readonly code = 'store_unavailable';

  constructor(what: string, options?: ErrorOptions) {
    super(`The session store cannot be reached (${what}).`, options);
  }
}

/** `gone`: nobody listens under that name, for certain. `cut_off`: this pod itself cannot reach the others. */
export type UnreachableReason = 'gone' | 'timeout' | 'cut_off';

/** Another pod gave no answer. */
export class PodUnreachable extends Error {
  override readonly name = 'PodUnreachable';
  readonly code = 'pod_unreachable';
  readonly reason: UnreachableReason;

  constructor(podId: string, reason: UnreachableReason, options?: ErrorOptions) {
    super(`Pod ${podId} gave no answer (${reason}).`, options);
    this.reason = reason;
  }
}

/** Another pod refused what it was asked. */
export class RemoteRefusal extends Error {
  override readonly name = 'RemoteRefusal';
  /** What its error was called; `internal` where it had no name. */
  readonly code: string;

  constructor(podId: string, code: string, options?: ErrorOptions) {
    super(`Pod ${podId} refused (${code}).`, options);
    this.code = code;
  }
}

/** The store holds as many sessions as it may. */
export class StoreFull extends Error {
  override readonly name = 'StoreFull';
  readonly code = 'store_full';

  constructor(limit: number, options?: ErrorOptions) {
    super(`The session store is full (${limit} sessions).`, options);
  }
}

/** Why a token was not accepted. */
export type TokenProblem = 'expired' | 'malformed' | 'not_ours';

export class TokenRejected extends Error {
  override readonly name = 'TokenRejected';
  readonly code = 'token_rejected';
  readonly problem: TokenProblem;

  constructor(problem: TokenProblem, options?: ErrorOptions) {
    const sentences = {
      expired: 'The token has ended. Ask for a new one.',
      malformed: 'The token is not a token of this kind.',
      not_ours: 'The token was not issued by this server for this use.',
    };
    super(sentences[problem], options);
    this.problem = problem;
  }
}
