import { io } from 'socket.io-client';
import type { Socket } from 'socket.io-client';
import type {
  Ack,
  Answers,
  CallerNetwork,
  ClientEvents,
  Hello,
  Request,
  RequestName,
  Sequenced,
  ServerEvents,
} from '../../signalling/protocol.ts';
import { reconnectDelayMs } from './backoff.ts';
import { Emitter } from './emitter.ts';
import { ParleyError, fatalSignallingError, refusalCode, refusedRequest } from './errors.ts';
import { EventOrder } from './event-order.ts';
import { sessionEventNames } from './session-event.ts';
import type { SessionEvent } from './session-event.ts';
import { SocketPatience } from './socket-patience.ts';

export type SignallingOptions = {
  url: string;
  /** Called for the first connection, and again only if the server refuses the token that it gave. */
  token: () => Promise<string>;
  /** Whether HTTP alone will do where no WebSocket gets through. */
  longPolling: boolean;
};

export type SignallingEvents = {
  /** A connection stands, and `join` may be sent: at first, and after each reconnection. */
  hello: Hello;
  /** The session was joined over it. */
  joined: undefined;
  /** By this side, for good. */
  closed: undefined;
  /** An event of the session, each once and in order. */
  event: SessionEvent;
  /** A fresh token, for the next connection and for a page that is reloaded. */
  token: { token: string; expiresAt: number };
  /** The connection was lost, or given up because of `cause`; the next attempt comes after `retryInMs`. */
  down: { attempt: number; retryInMs: number; cause?: unknown };
  /** It is over: trying again is useless, or went on for too long. */
  failed: ParleyError;
};

/** How long an acknowledgement may take; after it the connection is taken for dead. */
const requestTimeoutMs = 5000;
/** How long the first connection is tried; a person is looking at the button. */
const firstGiveUpMs = 6000;
/** How long a server is asked again that has no room. One that replaces a worker has some after a second or two. */
const busyGiveUpMs = 15_000;
/** How long a lost one is tried; sessions do not outlive their client for much longer. */
const laterGiveUpMs = 120_000;

/** The connection to the server: requests with their answers, events in order, and its own repair. */
export class Signalling extends Emitter<SignallingEvents> {
  readonly order = new EventOrder();
  /** How the caller's packets reach the server, as it said last. */
  callerNetwork: CallerNetwork | undefined;
  /** When the connection over which the session was last joined went away, on the clock of `performance.now()`. */
  lostMs: number | undefined;
  readonly #options: SignallingOptions;
  readonly #patience = new SocketPatience();
  /** Reject what waits for an acknowledgement that can no longer come. */
  readonly #pending = new Set<(error: ParleyError) => void>();
  #socket: Socket<ServerEvents, ClientEvents> | undefined;
  #token: string | undefined;
  #tokenRetried = false;
  #attempt = 0;
  #joinedOnce = false;
  #giveUpAtMs = 0;
  #wasBusy = false;
  #probing = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: SignallingOptions) {
    super();
    this.#options = options;
  }

  /** Whether requests can be sent now. */
  get connected(): boolean {
    return this.#socket?.connected === true;
  }

  open(): void {
    this.#giveUpAtMs = Date.now() + firstGiveUpMs;
    window.addEventListener('online', this.#hurry);
    void this.#connect();
  }

  /**
   * Sends a request and waits for its acknowledgement.
   *
   * @throws ParleyError when it is refused; `reconnecting` when the connection goes away before the answer has come
   */
  request<Name extends RequestName>(
    name: Name,
    request: Request<Name>,
    timeoutMs: number = requestTimeoutMs,
  ): Promise<Answers[Name]> {
    const socket = this.#socket;
    if (!socket?.connected) return Promise.reject(new ParleyError('reconnecting'));
    const sentMs = performance.now();
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#pending.delete(fail);
      };
      const fail = (error: ParleyError): void => {
        settle();
        reject(error);
      };
      const timer = setTimeout(() => {
        if (name === 'report') this.#patience.reportUnanswered();
        fail(new ParleyError('reconnecting'));
        if (socket === this.#socket) this.restart();
      }, timeoutMs);
      this.#pending.add(fail);
      // Socket.IO's types do not follow a name that is a type parameter; `Ack<Name>` is what the protocol says.
      const emit = socket.emit.bind(socket) as (name: string, request: unknown, ack: (ack: Ack<Name>) => void) => void;
      emit(name, request, (ack) => {
        settle();
        if (name === 'report') this.#patience.reportAnswered(performance.now() - sentMs);
        if (ack.ok && 'caller' in ack) this.callerNetwork = ack.caller;
        if (ack.ok) resolve(ack);
        else reject(refusedRequest(name, ack.error));
      });
    });
  }

  /** A report that must be answered soon, or the connection is taken for dead and another one is made. */
  async probe(report: Request<'report'>): Promise<void> {
    if (this.#probing) return;
    this.#probing = true;
    // Whatever comes of it, the repair is under way.
    await this.request('report', report, this.#patience.reportTimeoutMs).catch(() => undefined);
    this.#probing = false;
  }

  /** The session was joined: the next loss is a new one, with the shortest delay. */
  joined(): void {
    this.#attempt = 0;
    this.#joinedOnce = true;
    this.#tokenRetried = false;
    this.emit('joined', undefined);
  }

  /** Drops the connection and makes a new one at once, to join anew. */
  restart(): void {
    if (this.#socket) this.#lost();
  }

  /** The machine is in another network: whatever is under way goes nowhere, and the rest of a delay would be wasted. */
  renew(): void {
    this.restart();
    this.#hurry();
  }

  /** The server has no room at the moment: drops the connection, and tries for a while before it fails with `busy`. */
  retryBusy(busy: ParleyError): void {
    if (!this.#wasBusy && !this.#joinedOnce) this.#giveUpAtMs = Date.now() + busyGiveUpMs;
    this.#wasBusy = true;
    if (this.#socket) this.#lost(busy);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    window.removeEventListener('online', this.#hurry);
    this.#drop();
    this.emit('closed', undefined);
    this.removeAllListeners();
  }

  /** The network is back: the rest of a delay would be wasted. */
  readonly #hurry = (): void => {
    if (this.#socket || this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    void this.#connect();
  };

  async #connect(): Promise<void> {
    this.#timer = undefined;
    try {
      this.#token ??= await this.#options.token();
    } catch (cause) {
      this.#fail(cause instanceof ParleyError ? cause : new ParleyError('server_unreachable', { cause }));
      return;
    }
    if (this.#closed) return;
    const timeoutMs = this.#patience.helloTimeoutMs(this.#attempt);
    const socket: Socket<ServerEvents, ClientEvents> = io(this.#options.url, {
      transports: this.#options.longPolling ? ['websocket', 'polling'] : ['websocket'],
      tryAllTransports: true,
      // A balancer keeps a client to one server by a cookie.
      withCredentials: this.#options.longPolling,
      forceNew: true,
      reconnection: false,
      timeout: timeoutMs,
      auth: { token: this.#token },
      // Lets a balancer try the servers in turn: the one it prefers may be one that cannot reach the session's just now.
      ...(this.#attempt > 0 && { query: { again: this.#attempt } }),
    });
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#lost(), timeoutMs);
    this.#listen(socket);
  }

  #listen(socket: Socket<ServerEvents, ClientEvents>): void {
    const openedMs = performance.now();
    socket.on('connect_error', (error) => this.#refused(error));
    socket.on('disconnect', () => this.#lost());
    socket.on('hello', (hello) => {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#patience.helloCame(performance.now() - openedMs);
      this.emit('hello', hello);
    });
    socket.on('token', (renewed) => {
      this.#token = renewed.token;
      this.emit('token', renewed);
    });
    for (const name of sessionEventNames) {
      // A listener for a union of names takes a union of payloads, which Socket.IO's types cannot say.
      const on = socket.on.bind(socket) as (name: string, listener: (payload: Sequenced) => void) => void;
      on(name, (payload) => {
        if (this.order.accept(payload)) this.emit('event', { name, payload } as SessionEvent);
      });
    }
  }

  /** The server answered the handshake with an error, or could not be reached. */
  #refused(error: Error & { data?: unknown }): void {
    const code = refusalCode(error);
    const fatal = fatalSignallingError(code, error);
    if (fatal?.code === 'token_refused' && !this.#tokenRetried) {
      // It may merely have run out; where the application gives tokens on demand, the next one is a new one.
      this.#tokenRetried = true;
      const refused = this.#token;
      this.#token = undefined;
      this.#drop();
      void this.#retryWithNewToken(refused, fatal);
      return;
    }
    if (fatal) this.#fail(fatal);
    else this.#lost(error);
  }

  async #retryWithNewToken(refused: string | undefined, error: ParleyError): Promise<void> {
    const token = await this.#options.token().catch(() => refused);
    if (this.#closed) return;
    if (token === refused) {
      this.#fail(error);
      return;
    }
    this.#token = token;
    void this.#connect();
  }

  #lost(cause?: unknown): void {
    if (this.#closed) return;
    this.#drop();
    const nowMs = Date.now();
    if (this.#attempt === 0 && this.#joinedOnce) {
      this.#giveUpAtMs = nowMs + laterGiveUpMs;
      this.lostMs = performance.now();
    }
    if (nowMs >= this.#giveUpAtMs) {
      const busy = cause instanceof ParleyError && cause.code === 'server_busy';
      this.#fail(
        busy ? cause : new ParleyError(this.#joinedOnce ? 'connection_lost' : 'server_unreachable', { cause }),
      );
      return;
    }
    const retryInMs = reconnectDelayMs(this.#attempt++, Math.random());
    this.#timer = setTimeout(() => void this.#connect(), retryInMs);
    this.emit('down', { attempt: this.#attempt, retryInMs, cause });
  }

  #fail(error: ParleyError): void {
    if (this.#closed) return;
    this.#drop();
    this.emit('failed', error);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.removeAllListeners();
    socket?.disconnect();
    for (const reject of this.#pending) reject(new ParleyError('reconnecting'));
  }
}
