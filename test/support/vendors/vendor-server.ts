/**
 * What the local servers of vendors have in common: a real HTTP server on a free port that answers in pieces, does on
 * demand what networks and vendors do when they fail, and counts what its clients leave open.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';

export type Fault =
  /** Refuses with a status, as for a bad key (401), too many requests (429), an overload (503). */
  | { kind: 'status'; status: number; retryAfter?: string }
  /** Takes the request and never answers. */
  | { kind: 'silent' }
  /** Answers, but only after so long. */
  | { kind: 'slow'; ms: number }
  /** Stops after so many pieces and holds the connection open. */
  | { kind: 'stalled'; after: number }
  /** Resets the connection in the middle of the piece after so many. */
  | { kind: 'cut'; after: number }
  /** Closes its side of the connection after so many pieces and goes on reading. */
  | { kind: 'half-closed'; after: number }
  /** Ends the answer in good order after so many pieces, before it is complete. */
  | { kind: 'ends-early'; after: number }
  /** Sends something that the protocol does not allow after so many pieces. */
  | { kind: 'malformed'; after: number };

export type Refusal = { status: number; body: string; headers?: Record<string, string> };

export type Answer = {
  contentType: string;
  pieces: readonly (string | Buffer)[];
  /** What a malformed answer has in place of its next piece. */
  malformed: string | Buffer;
};

export type VendorRequest = { message: IncomingMessage; url: URL; body: Buffer };

/** What a vendor makes of a request. */
export type Handler = (request: VendorRequest) => Answer | Refusal;
export type UpgradeHandler = (message: IncomingMessage, url: URL, socket: Duplex, head: Buffer) => void;

export type VendorServerOptions = {
  handle?: Handler;
  upgrade?: UpgradeHandler;
  /** The body of a refusal by fault, in the vendor's own form. */
  refusal: (status: number, message: string) => string;
  /** Where it listens. Default: loopback; servers on hosts of their own reach it at the test's end of their network. */
  address?: string | undefined;
};

export class VendorServer {
  /** Faults for the requests to come, one each. */
  readonly faults: Fault[] = [];
  /** The bodies of all requests that were answered. */
  readonly requests: VendorRequest[] = [];
  /** Answers that the client did not wait for to the end. */
  abandoned = 0;
  /** Each answer begins so late. */
  answersAfterMs = 0;
  readonly #options: VendorServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #closing = new AbortController();
  #port = 0;

  private constructor(options: VendorServerOptions) {
    this.#options = options;
    this.#server = createServer((message, response) => void this.#serve(message, response));
    this.#server.on('upgrade', (message: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (options.upgrade) options.upgrade(message, new URL(message.url ?? '/', this.url), socket, head);
      else socket.destroy();
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
    });
  }

  static async start(options: VendorServerOptions): Promise<VendorServer> {
    const vendor = new VendorServer(options);
    await new Promise<void>((resolve) => vendor.#server.listen(0, vendor.#address, resolve));
    vendor.#port = (vendor.#server.address() as AddressInfo).port;
    return vendor;
  }

  get #address(): string {
    return this.#options.address ?? '127.0.0.1';
  }

  /** `http://address:port`, without a slash at the end; also after it was closed. */
  get url(): string {
    return `http://${this.#address}:${this.#port}`;
  }

  get openSockets(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    response.once('close', () => {
      if (!response.writableFinished) this.abandoned++;
    });
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of message) chunks.push(chunk as Buffer);
      const request = { message, url: new URL(message.url ?? '/', this.url), body: Buffer.concat(chunks) };
      await this.#answer(request, response);
    } catch {
      // The client went away, or the test is over.
      response.destroy();
    }
  }

  async #answer(request: VendorRequest, response: ServerResponse): Promise<void> {
    const fault = this.faults.shift();
    if (fault?.kind === 'silent') return;
    if (fault?.kind === 'status') return this.#refuse(response, this.#refusalByFault(fault));
    const answer = this.#options.handle?.(request) ?? { status: 404, body: this.#options.refusal(404, 'not found') };
    if ('status' in answer) return this.#refuse(response, answer);
    this.requests.push(request);
    const afterMs = fault?.kind === 'slow' ? fault.ms : this.answersAfterMs;
    if (afterMs > 0) await sleep(afterMs, undefined, { signal: this.#closing.signal });
    response.writeHead(200, { 'content-type': answer.contentType });
    response.flushHeaders();
    await this.#send(answer, response, fault);
  }

  #refusalByFault({ status, retryAfter }: Extract<Fault, { kind: 'status' }>): Refusal {
    const body = this.#options.refusal(status, `refused with ${status}`);
    return { status, body, ...(retryAfter && { headers: { 'retry-after': retryAfter } }) };
  }

  #refuse(response: ServerResponse, { status, body, headers }: Refusal): void {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body);
  }

  async #send({ pieces, malformed }: Answer, response: ServerResponse, fault: Fault | undefined): Promise<void> {
    for (const [index, piece] of pieces.entries()) {
      if (response.destroyed) return;
      if (fault && 'after' in fault && fault.after === index) {
        if (fault.kind === 'malformed') response.write(malformed);
        else return this.#fail(fault.kind, piece, response);
      }
      response.write(piece);
      // In packets of their own, as they are made.
      await setImmediate();
    }
    response.end();
  }

  #fail(kind: Fault['kind'], piece: string | Buffer, response: ServerResponse): void {
    if (kind === 'cut') {
      response.write(piece.slice(0, piece.length / 2));
      response.socket?.resetAndDestroy();
    } else if (kind === 'half-closed') response.socket?.end();
    else if (kind === 'ends-early') response.end();
  }
}
