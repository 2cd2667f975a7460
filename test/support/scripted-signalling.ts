/** The signalling of a caller without a browser: the protocol as the SDK speaks it, with its timings. */
import { io, type Socket } from 'socket.io-client';
import { reconnectDelayMs } from '../../client-sdk/src/backoff.ts';
import { EventOrder } from '../../client-sdk/src/event-order.ts';
import { SocketPatience } from '../../client-sdk/src/socket-patience.ts';
import type { Ack, Answers, Hello, Request, RequestName, Sequenced } from '../../signalling/protocol.ts';

/** Times are monotonic ms, as `performance.now()` gives them. */
export type CallerEvent = {
  name: string;
  data: Record<string, unknown>;
  epoch: number;
  seq: number;
  atMs: number;
  /** `seen` or `overtaken`: the SDK lets it through no second time, and none of an owner that was replaced. */
  fate: 'taken' | 'seen' | 'overtaken';
};

export type ScriptedSignallingOptions = {
  url: string;
  token: string;
  onHello: (hello: Hello) => void;
  /** Each once, in order. */
  onEvent: (event: CallerEvent) => void;
  /** The connection is gone; another one is being made. */
  onDown: () => void;
  /** Trying again is useless. */
  onFailed: (reason: string) => void;
};

export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';
  readonly code: string;

  constructor(request: string, code: string, message: string) {
    super(`${request} was refused with ${code}: ${message}`);
    this.code = code;
  }
}

/** As in the SDK. */
const REQUEST_TIMEOUT_MS = 5000;
/** Refusals of a handshake that another attempt would meet again. */
const FINAL = ['unauthorized', 'session_not_found', 'session_ended', 'superseded', 'unsupported_version'];

export class ScriptedSignalling {
  readonly order = new EventOrder();
  /** Everything that came, whatever its fate. */
  readonly events: CallerEvent[] = [];
  /** Numbers of events that were passed over in an epoch: lost, as far as the client knows. */
  missing = 0;
  /** When each connection was asked for, said hello, and was lost; `pod`: who said hello. */
  readonly connections: { openedMs: number; helloMs?: number; pod?: string | undefined; lostMs?: number }[] = [];
  /** When each report that had to be answered soon was sent. */
  readonly probesMs: number[] = [];
  readonly #options: ScriptedSignallingOptions;
  readonly #patience = new SocketPatience();
  #probing = false;
  readonly #pending = new Set<(error: Error) => void>();
  #token: string;
  #socket: Socket | undefined;
  #attempt = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ScriptedSignallingOptions) {
    this.#options = options;
    this.#token = options.token;
  }

  get connected(): boolean {
    return this.#socket?.connected === true;
  }

  open(): void {
    const timeoutMs = this.#patience.helloTimeoutMs(this.#attempt);
    const { url } = this.#options;
    const auth = { token: this.#token };
    const socket = io(url, {
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
      timeout: timeoutMs,
      auth,
      ...(this.#attempt > 0 && { query: { again: this.#attempt } }),
    });
    this.#socket = socket;
    this.connections.push({ openedMs: performance.now() });
    this.#timer = setTimeout(() => this.restart(), timeoutMs);
    this.#listen(socket);
  }

  /** @throws RequestRefused; Error when the connection goes away before the answer has come */
  request<Name extends RequestName>(
    name: Name,
    request: Request<Name>,
    timeoutMs = REQUEST_TIMEOUT_MS,
  ): Promise<Answers[Name]> {
    const socket = this.#socket;
    if (!socket?.connected) return Promise.reject(new Error(`${name}: there is no connection`));
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        this.#pending.delete(fail);
      };
      const fail = (error: Error) => {
        settle();
        reject(error);
      };
      const timer = setTimeout(() => {
        fail(new Error(`${name} was not answered within ${timeoutMs} ms`));
        if (socket === this.#socket) this.restart();
      }, timeoutMs);
      this.#pending.add(fail);
      socket.emit(name, request, (ack: Ack<Name>) => {
        settle();
        if (ack.ok) resolve(ack);
        else reject(new RequestRefused(name, ack.error.code, ack.error.message));
      });
    });
  }

  /** A report that must be answered soon, or the connection is taken for dead and another one is made. */
  async probe(report: Request<'report'>): Promise<void> {
    if (this.#probing || !this.connected) return;
    this.#probing = true;
    const sentMs = performance.now();
    this.probesMs.push(sentMs);
    try {
      await this.request('report', report, this.#patience.reportTimeoutMs);
      this.#patience.reportAnswered(performance.now() - sentMs);
    } catch (error) {
      // The repair is under way; a refusal is an answer as well.
      if (error instanceof RequestRefused) this.#patience.reportAnswered(performance.now() - sentMs);
      else this.#patience.reportUnanswered();
    }
    this.#probing = false;
  }

  /** The session was joined: the next loss is a new one, with the shortest delay. */
  joined(): void {
    this.#attempt = 0;
  }

  /** Drops the connection and makes another one. */
  restart(): void {
    if (this.#closed) return;
    this.#drop();
    this.#options.onDown();
    this.#timer = setTimeout(() => this.open(), reconnectDelayMs(this.#attempt++, Math.random()));
  }

  close(): void {
    this.#closed = true;
    this.#drop();
  }

  #listen(socket: Socket): void {
    socket.on('connect_error', (error: Error & { data?: { code?: string } }) => {
      const code = error.data?.code ?? error.message;
      if (FINAL.includes(code)) this.#fail(code);
      else this.restart();
    });
    socket.on('disconnect', () => this.restart());
    socket.on('hello', (hello: Hello) => {
      clearTimeout(this.#timer);
      const connection = this.connections.at(-1)!;
      connection.helloMs = performance.now();
      connection.pod = hello.pod;
      this.#patience.helloCame(connection.helloMs - connection.openedMs);
      this.#options.onHello(hello);
    });
    socket.on('token', ({ token }: { token: string }) => (this.#token = token));
    socket.onAny((name: string, data: Partial<Sequenced> & Record<string, unknown>) => {
      if (data.epoch !== undefined && data.seq !== undefined)
        this.#note(name, { ...data, epoch: data.epoch, seq: data.seq });
    });
  }

  #note(name: string, data: Sequenced & Record<string, unknown>): void {
    const { epoch, seq } = data;
    const last = this.order.lastSeen;
    const taken = this.order.accept({ epoch, seq });
    const fate = taken ? 'taken' : epoch < this.order.epoch ? 'overtaken' : 'seen';
    if (taken && last?.epoch === epoch) this.missing += seq - last.seq - 1;
    const event: CallerEvent = { name, data, epoch, seq, atMs: performance.now(), fate };
    this.events.push(event);
    if (taken) this.#options.onEvent(event);
  }

  #fail(reason: string): void {
    if (this.#closed) return;
    this.close();
    this.#options.onFailed(reason);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket) {
      this.connections.at(-1)!.lostMs ??= performance.now();
      socket.removeAllListeners();
      socket.offAny();
      socket.disconnect();
    }
    for (const reject of this.#pending) reject(new Error('the connection was lost'));
  }
}
