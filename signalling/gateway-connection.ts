import type { Socket } from 'socket.io';
import { SignallingFailure, toFailure } from './errors.ts';
import type { LoggedEvent } from './event-log.ts';
import { parseMessage, splitAcknowledge } from './gateway-message.ts';
import type { Acknowledge, ParsedRequest } from './gateway-message.ts';
import type { Log } from './log.ts';
import type { Hello, SignallingErrorCode } from './protocol.ts';
import type { Listener, SessionChannel } from './session-channel.ts';
import { SlidingWindow } from './sliding-window.ts';
import type { IssuedToken, SessionTokens } from './tokens.ts';

/** Answers a request. `afterwards` runs once the answer is on its way, before anything else is sent. */
export type Handled = { answer: object; afterwards?: () => void };
export type RequestHandler = (connection: Connection, parsed: ParsedRequest) => Promise<Handled>;

export type ConnectionOptions = {
  socket: Socket;
  channel: SessionChannel<Connection>;
  handle: RequestHandler;
  tokens: SessionTokens;
  /** When the token of the handshake ends, Unix ms. */
  tokenExpiresAt: number;
  log: Log;
  nowMs: () => number;
};

/** A client that does one of these so often is not ours, or is broken. What the server itself could not do is not its fault. */
const MISBEHAVIOUR: ReadonlySet<SignallingErrorCode> = new Set([
  'invalid_message',
  'unknown_event',
  'message_too_large',
  'unsupported_version',
  'not_joined',
  'already_joined',
  'unknown_transport',
  'invalid_media_parameters',
  'too_many_requests',
]);
const MISBEHAVIOUR_LIMIT = { limit: 20, windowMs: 10_000 };
/** An honest client sends about 15 in its first seconds and one a second later. */
const REQUEST_LIMIT = { limit: 200, windowMs: 10_000 };
/** Lets the last event reach the client before its connection is closed. */
const CLOSE_DELAY_MS = 200;

/** One client's connection: parses what comes, answers it in order, and sends it the events of its session. */
export class Connection implements Listener {
  readonly channel: SessionChannel<Connection>;
  /** Set once `join` was answered. */
  joined = false;
  readonly #socket: Socket;
  readonly #handle: RequestHandler;
  readonly #tokens: SessionTokens;
  readonly #log: Log;
  readonly #nowMs: () => number;
  readonly #gone = new AbortController();
  readonly #misbehaviour = new SlidingWindow(MISBEHAVIOUR_LIMIT);
  readonly #requests = new SlidingWindow(REQUEST_LIMIT);
  #tokenExpiresAt: number;
  #renewal: NodeJS.Timeout | undefined;
  #closing: NodeJS.Timeout | undefined;

  constructor({ socket, channel, handle, tokens, tokenExpiresAt, log, nowMs }: ConnectionOptions) {
    this.channel = channel;
    this.#socket = socket;
    this.#handle = handle;
    this.#tokens = tokens;
    this.#tokenExpiresAt = tokenExpiresAt;
    this.#log = log;
    this.#nowMs = nowMs;
    socket.onAny((name: unknown, ...args: unknown[]) => this.#receive(name, args));
  }

  /** Aborted when the client is gone, was superseded, or its session has ended; the reason is a `SignallingFailure`. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  greet(hello: Hello): void {
    this.#socket.emit('hello', hello);
  }

  deliver({ name, data, epoch, seq }: LoggedEvent): void {
    this.#socket.emit(name, { ...data, epoch, seq });
  }

  /** From now on this client belongs to its session, and its token is renewed before it ends. */
  becomeJoined(): void {
    this.joined = true;
    this.#scheduleRenewal();
  }

  /** Tells the client why, and closes the connection a moment later. */
  refuse(code: SignallingErrorCode): void {
    const { message } = new SignallingFailure(code);
    const { epoch, seq } = this.channel.position;
    // For this client alone, so it is not in the session's log; one ahead, or the client would take it for one it knows.
    this.#socket.emit('problem', { code, message, epoch, seq: seq + 1 });
    this.end(code);
  }

  /** No request is handled any more; the connection closes a moment later, when what was sent has arrived. */
  end(code: SignallingErrorCode): void {
    this.release(code);
    this.#closing ??= setTimeout(() => this.#socket.disconnect(true), CLOSE_DELAY_MS);
  }

  /** Frees what the connection holds, without closing it. Idempotent. */
  release(code: SignallingErrorCode): void {
    clearTimeout(this.#renewal);
    if (!this.signal.aborted) this.#gone.abort(new SignallingFailure(code));
    if (!this.#socket.connected) clearTimeout(this.#closing);
  }

  #receive(name: unknown, args: unknown[]): void {
    const { payloads, acknowledge } = splitAcknowledge(args);
    let handled: Promise<void> | undefined;
    try {
      if (this.#requests.hit(this.#nowMs())) throw new SignallingFailure('too_many_requests');
      const parsed = parseMessage(name, payloads);
      handled = this.channel.enqueue(() => this.#answer(parsed, acknowledge));
      if (handled === undefined) throw new SignallingFailure('too_many_requests');
    } catch (error) {
      this.#reject(error, acknowledge);
    }
  }

  async #answer(parsed: ParsedRequest, acknowledge: Acknowledge | undefined): Promise<void> {
    try {
      this.signal.throwIfAborted();
      const { answer, afterwards } = await this.#handle(this, parsed);
      acknowledge?.({ ok: true, ...answer });
      afterwards?.();
    } catch (error) {
      this.#reject(this.signal.aborted ? this.signal.reason : error, acknowledge);
    }
  }

  #reject(error: unknown, acknowledge: Acknowledge | undefined): void {
    const failure = toFailure(error);
    const { code, message } = failure;
    if (code === 'internal') {
      this.#log.error({ sessionId: this.channel.sessionId, err: failure.cause }, 'a request failed inside the server');
    }
    acknowledge?.({ ok: false, error: { code, message } });
    if (this.signal.aborted || !MISBEHAVIOUR.has(code) || !this.#misbehaviour.hit(this.#nowMs())) return;
    this.#log.warn({ sessionId: this.channel.sessionId, lastCode: code }, 'a client that misbehaves is disconnected');
    this.refuse('too_many_requests');
  }

  /** Half of the lifetime before the end: a renewed token that gets lost leaves time for the next. */
  #scheduleRenewal(): void {
    if (this.signal.aborted) return;
    const delayMs = this.#tokenExpiresAt - this.#tokens.lifetimeMs / 2 - this.#nowMs();
    this.#renewal = setTimeout(() => void this.#renewToken(), Math.max(0, delayMs));
  }

  async #renewToken(): Promise<void> {
    try {
      const issued: IssuedToken = await this.#tokens.issue(this.channel.sessionId);
      if (this.signal.aborted) return;
      this.#socket.emit('token', issued);
      this.#tokenExpiresAt = issued.expiresAt;
      this.#scheduleRenewal();
    } catch (error) {
      this.#log.error({ sessionId: this.channel.sessionId, err: error }, 'a token could not be renewed');
    }
  }
}
