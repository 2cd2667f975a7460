import type { Socket } from 'socket.io';
import { SignallingFailure, toFailure } from './errors.ts';
import type { LoggedEvent } from './event-log.ts';
import { parseMessage, splitAcknowledge } from './gateway-message.ts';
import type { Acknowledge, ParsedRequest } from './gateway-message.ts';
import type { Log } from './log.ts';
import type { Hello, Request, Sequenced, SignallingErrorCode } from './protocol.ts';
import type { Joined } from './session-requests.ts';
import { checkVersion } from './session-requests.ts';
import type { ConnectedClient, SessionRoute } from './session-route.ts';
import { SlidingWindow } from './sliding-window.ts';
import type { IssuedToken, SessionTokens } from './tokens.ts';

export type ConnectionOptions = {
  socket: Socket;
  sessionId: string;
  /** Finds who leads the session. Rejects with what the client is told. */
  findRoute: (client: Connection, request: Request<'join'>) => Promise<SessionRoute>;
  /** Ends the session for a client that has not got into it. */
  giveUp: () => Promise<void>;
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
/** Most requests of one connection that wait for their turn. An honest client has three at a time. */
const MAX_WAITING = 64;
/** Lets the last event reach the client before its connection is closed. */
const CLOSE_DELAY_MS = 200;

/** One client's connection: parses what comes, answers it in order, and sends it the events of its session. */
export class Connection implements ConnectedClient {
  readonly sessionId: string;
  /** Set once `join` was answered. */
  joined = false;
  /** What it joined with, should it have to be moved. */
  joinRequest: Request<'join'> | undefined;
  /** Where its requests go; set by `join`. */
  route: SessionRoute | undefined;
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #gone = new AbortController();
  readonly #misbehaviour = new SlidingWindow(MISBEHAVIOUR_LIMIT);
  readonly #requests = new SlidingWindow(REQUEST_LIMIT);
  #position: Sequenced = { epoch: 0, seq: 0 };
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #tokenExpiresAt: number;
  #renewal: NodeJS.Timeout | undefined;
  #closing: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions) {
    const { socket, sessionId, tokenExpiresAt } = options;
    this.sessionId = sessionId;
    this.#options = options;
    this.#socket = socket;
    this.#tokenExpiresAt = tokenExpiresAt;
    socket.onAny((name: unknown, ...args: unknown[]) => this.#receive(name, args));
  }

  get id(): string {
    return this.#socket.id;
  }

  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  greet(hello: Hello): void {
    this.#socket.emit('hello', hello);
  }

  deliver({ name, data, epoch, seq }: LoggedEvent): void {
    this.#position = { epoch, seq };
    this.#socket.emit(name, { ...data, epoch, seq });
  }

  /** From now on this client belongs to its session, and its token is renewed before it ends. */
  becomeJoined(): void {
    if (this.joined) return;
    this.joined = true;
    this.#scheduleRenewal();
  }

  tellPosition(position: number): void {
    // Of no owner's events; numbered by the time, so that it is later than what another pod said before.
    this.#emitAlone('queued', { position }, this.#options.nowMs());
  }

  /** Tells the client why, and closes the connection a moment later. */
  refuse(code: SignallingErrorCode): void {
    const { message } = new SignallingFailure(code);
    // One ahead, or the client would take it for one it knows.
    this.#emitAlone('problem', { code, message }, this.#position.seq + 1);
    this.end(code);
  }

  /** No request is handled any more; the connection closes a moment later, when what was sent has arrived. */
  end(code: SignallingErrorCode): void {
    this.release(code);
    this.#closing ??= setTimeout(() => this.#socket.disconnect(true), CLOSE_DELAY_MS);
  }

  /** Closes the connection without a reason: the client comes again, and is brought to whoever leads its session. */
  drop(): void {
    this.release('superseded');
    this.#socket.disconnect(true);
  }

  /** Frees what the connection holds, without closing it. Idempotent. */
  release(code: SignallingErrorCode): void {
    clearTimeout(this.#renewal);
    if (!this.signal.aborted) this.#gone.abort(new SignallingFailure(code));
    if (!this.#socket.connected) clearTimeout(this.#closing);
  }

  /** Runs `task` after the requests that came before. */
  inOrder<Result>(task: () => Promise<Result>): Promise<Result> {
    this.#waiting += 1;
    const result = this.#tail.then(task);
    const settled = () => {
      this.#waiting -= 1;
    };
    this.#tail = result.then(settled, settled);
    return result;
  }

  #emitAlone(name: string, data: object, seq: number): void {
    this.#socket.emit(name, { ...data, epoch: this.#position.epoch, seq });
  }

  #receive(name: unknown, args: unknown[]): void {
    const { payloads, acknowledge } = splitAcknowledge(args);
    try {
      if (this.#requests.hit(this.#options.nowMs())) throw new SignallingFailure('too_many_requests');
      const parsed = parseMessage(name, payloads);
      if (this.#waiting >= MAX_WAITING) throw new SignallingFailure('too_many_requests');
      void this.inOrder(() => this.#answer(parsed, acknowledge));
    } catch (error) {
      this.#reject(error, acknowledge);
    }
  }

  async #answer(parsed: ParsedRequest, acknowledge: Acknowledge | undefined): Promise<void> {
    try {
      this.signal.throwIfAborted();
      if (parsed.name === 'join') return await this.#join(parsed.request, acknowledge);
      const answer = await this.#request(parsed);
      acknowledge?.({ ok: true, ...answer });
    } catch (error) {
      this.#reject(this.signal.aborted ? this.signal.reason : error, acknowledge);
    }
  }

  async #request(parsed: Exclude<ParsedRequest, { name: 'join' }>): Promise<object> {
    if (this.joined && this.route !== undefined) return this.route.request(parsed);
    if (parsed.name !== 'leave') throw new SignallingFailure('not_joined');
    // Otherwise a session whose caller was told to wait and went would be kept until its time is over.
    await this.#options.giveUp();
    return {};
  }

  async #join(request: Request<'join'>, acknowledge: Acknowledge | undefined): Promise<void> {
    if (this.joined) throw new SignallingFailure('already_joined');
    checkVersion(request);
    const { answer, start } = await this.#takeRoute(request);
    this.signal.throwIfAborted();
    this.joinRequest = request;
    this.#position = { epoch: answer.epoch, seq: request.lastSeen?.epoch === answer.epoch ? request.lastSeen.seq : 0 };
    acknowledge?.({ ok: true, ...answer });
    this.becomeJoined();
    for (const event of start()) this.deliver(event);
  }

  /** A route that turns out to be the wrong one (its owner has just lost the session) is looked for once more. */
  async #takeRoute(request: Request<'join'>): Promise<Joined> {
    this.route?.close('rerouted');
    this.route = await this.#options.findRoute(this, request);
    try {
      return await this.route.join(request);
    } catch (error) {
      const { code } = toFailure(error);
      const wrong = this.route.kind === 'there' && (code === 'session_not_found' || code === 'server_busy');
      if (!wrong || this.signal.aborted) throw error;
      this.route.close('rerouted');
      this.route = await this.#options.findRoute(this, request);
      return this.route.join(request);
    }
  }

  #reject(error: unknown, acknowledge: Acknowledge | undefined): void {
    const failure = toFailure(error);
    const { code, message } = failure;
    const { log, nowMs } = this.#options;
    if (code === 'internal') {
      log.error({ sessionId: this.sessionId, err: failure.cause }, 'a request failed inside the server');
    }
    acknowledge?.({ ok: false, error: { code, message } });
    if (this.signal.aborted || !MISBEHAVIOUR.has(code) || !this.#misbehaviour.hit(nowMs())) return;
    log.warn({ sessionId: this.sessionId, lastCode: code }, 'a client that misbehaves is disconnected');
    this.refuse('too_many_requests');
  }

  /** Half of the lifetime before the end: a renewed token that gets lost leaves time for the next. */
  #scheduleRenewal(): void {
    if (this.signal.aborted) return;
    const { tokens, nowMs } = this.#options;
    const delayMs = this.#tokenExpiresAt - tokens.lifetimeMs / 2 - nowMs();
    this.#renewal = setTimeout(() => void this.#renewToken(), Math.max(0, delayMs));
  }

  async #renewToken(): Promise<void> {
    try {
      const issued: IssuedToken = await this.#options.tokens.issue(this.sessionId);
      if (this.signal.aborted) return;
      this.#socket.emit('token', issued);
      this.#tokenExpiresAt = issued.expiresAt;
      this.#scheduleRenewal();
    } catch (error) {
      this.#options.log.error({ sessionId: this.sessionId, err: error }, 'a token could not be renewed');
    }
  }
}
