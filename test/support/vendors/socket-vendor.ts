/** What the local servers of vendors that speak over WebSockets have in common, beside what all have. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Fault, type Handler, type Refusal, VendorServer } from './vendor-server.ts';

export type SocketVendorOptions = {
  /** Why the vendor refuses the handshake; undefined where it does not. */
  check: (message: IncomingMessage, url: URL) => Refusal | undefined;
  serve: (connection: Connection, url: URL) => void;
  refusal: (status: number, message: string) => string;
  /** Plain HTTP beside the sockets. */
  handle?: Handler;
  /** Where it listens. Default: loopback. */
  address?: string | undefined;
};

/** A client's connection, and what can go wrong with it. */
export class Connection {
  readonly socket: WebSocket;
  readonly #tcp: Socket;

  constructor(socket: WebSocket, tcp: Socket) {
    this.socket = socket;
    this.#tcp = tcp;
    socket.on('error', () => undefined);
  }

  send(message: object): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** Resets the connection: what was just sent may not arrive. */
  cut(): void {
    this.#tcp.resetAndDestroy();
  }

  /** Closes this side without a word of the protocol's, and goes on reading. */
  halfClose(): void {
    this.#tcp.end();
  }

  /** Does at once what the fault says; the others have nothing done at once. */
  fail(fault: Fault): void {
    if (fault.kind === 'cut') this.cut();
    else if (fault.kind === 'half-closed') this.halfClose();
    else if (fault.kind === 'malformed') this.socket.send('{"type":');
    else if (fault.kind === 'ends-early') this.socket.close(1011);
  }
}

/** Sends the vendor's messages in their order until the fault of this connection says otherwise. */
export class FaultySender {
  readonly #connection: Connection;
  readonly #fault: Fault | undefined;
  readonly #afterMs: number;
  #sent = 0;
  #broken = false;

  /** @param afterMs each message leaves so late */
  constructor(connection: Connection, fault: Fault | undefined, afterMs = 0) {
    this.#connection = connection;
    this.#fault = fault;
    this.#afterMs = afterMs;
  }

  send(message: object): void {
    if (this.#fault?.kind === 'silent' || this.#broken) return;
    if (this.#fault?.kind === 'slow') return void setTimeout(() => this.#connection.send(message), this.#fault.ms);
    if (this.#fault && 'after' in this.#fault && this.#fault.after <= this.#sent) {
      this.#broken = true;
      return this.#connection.fail(this.#fault);
    }
    this.#sent++;
    if (this.#afterMs > 0) setTimeout(() => this.#connection.send(message), this.#afterMs);
    else this.#connection.send(message);
  }
}

export class SocketVendor {
  readonly server: VendorServer;
  /** Faults of handshakes to come: `status`, `silent`, `slow`. Those of what follows are in `server.faults`. */
  readonly handshakeFaults: Fault[] = [];
  handshakes = 0;
  readonly #options: SocketVendorOptions;
  readonly #sockets = new WebSocketServer({ noServer: true });

  private constructor(options: SocketVendorOptions, server: VendorServer) {
    this.#options = options;
    this.server = server;
  }

  static async start(options: SocketVendorOptions): Promise<SocketVendor> {
    const server = await VendorServer.start({
      address: options.address,
      refusal: options.refusal,
      ...(options.handle && { handle: options.handle }),
      upgrade: (message, url, socket, head) => vendor.#upgrade(message, url, socket, head),
    });
    const vendor = new SocketVendor(options, server);
    return vendor;
  }

  get url(): string {
    return this.server.url.replace('http', 'ws');
  }

  /** Connections that clients have open. */
  get connections(): number {
    return this.#sockets.clients.size;
  }

  /** Cuts all connections that clients have. */
  cut(): void {
    for (const client of this.#sockets.clients) client.terminate();
  }

  async close(): Promise<void> {
    this.cut();
    await this.server.close();
  }

  #upgrade(message: IncomingMessage, url: URL, socket: Duplex, head: Buffer): void {
    this.handshakes++;
    const fault = this.handshakeFaults.shift();
    if (fault?.kind === 'silent') {
      socket.on('end', () => socket.end());
      return void socket.resume();
    }
    if (fault?.kind === 'slow') return void setTimeout(() => this.#accept(message, url, socket, head), fault.ms);
    if (fault?.kind === 'status') {
      const body = this.#options.refusal(fault.status, `refused with ${fault.status}`);
      return refuse(socket, { status: fault.status, body, headers: { 'retry-after': fault.retryAfter ?? '' } });
    }
    this.#accept(message, url, socket, head);
  }

  #accept(message: IncomingMessage, url: URL, socket: Duplex, head: Buffer): void {
    const refusal = this.#options.check(message, url);
    if (refusal) return refuse(socket, refusal);
    this.#sockets.handleUpgrade(message, socket, head, (client) => {
      this.#options.serve(new Connection(client, socket as Socket), url);
    });
  }
}

function refuse(socket: Duplex, { status, body, headers }: Refusal): void {
  const lines = [
    `HTTP/1.1 ${status} Refused`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    ...Object.entries(headers ?? {})
      .filter(([, value]) => value)
      .map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
