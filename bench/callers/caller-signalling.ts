/** The signalling of one caller: the protocol without reconnecting, since a lost connection is what is counted here. */
import { io, type Socket } from 'socket.io-client';
import type { Ack, Answers, Hello, Request, RequestName } from '../../signalling/protocol.ts';

export type CallerSignallingOptions = {
  url: string;
  token: string;
  onHello: (hello: Hello) => void;
  onEvent: (name: string, data: Record<string, unknown>) => void;
  /** The connection could not be made, or is gone. Not called after `close`. */
  onLost: (reason: string) => void;
};

export class Refused extends Error {
  override readonly name = 'Refused';
  readonly code: string;

  constructor(request: string, code: string) {
    super(`${request} was refused: ${code}`);
    this.code = code;
  }
}

/** As in the SDK. */
const REQUEST_TIMEOUT_MS = 10_000;

export class CallerSignalling {
  readonly #socket: Socket;
  #closed = false;

  constructor({ url, token, onHello, onEvent, onLost }: CallerSignallingOptions) {
    const options = { transports: ['websocket'], forceNew: true, reconnection: false, auth: { token } };
    this.#socket = io(url, options);
    this.#socket.on('hello', onHello);
    this.#socket.onAny((name: string, data: Record<string, unknown>) => onEvent(name, data));
    this.#socket.on('connect_error', (error: Error & { data?: { code?: string } }) => {
      if (!this.#closed) onLost(error.data?.code ?? error.message);
    });
    this.#socket.on('disconnect', (reason: string) => {
      if (!this.#closed) onLost(reason);
    });
  }

  /** @throws {Refused}; an Error where no answer comes */
  async request<Name extends RequestName>(name: Name, request: Request<Name>): Promise<Answers[Name]> {
    const answered = this.#socket.timeout(REQUEST_TIMEOUT_MS).emitWithAck(name, request) as Promise<Ack<Name>>;
    const ack = await answered;
    if (!ack.ok) throw new Refused(name, ack.error.code);
    return ack;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.disconnect();
  }
}
