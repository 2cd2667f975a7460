import type { IncomingMessage, Server as HttpServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { Server } from 'socket.io';
import type { ServerOptions, Socket } from 'socket.io';
import { z } from 'zod';
import type { CallControl } from './call-control.ts';
import { SignallingFailure, toFailure } from './errors.ts';
import { Connection } from './gateway-connection.ts';
import type { GatewayRouter } from './gateway-router.ts';
import type { Log } from './log.ts';
import { PROTOCOL_VERSION } from './protocol.ts';
import type { IceServer } from './protocol.ts';
import type { SessionRecord } from './session.ts';
import type { SessionTokens } from './tokens.ts';

export type GatewayOptions = {
  httpServer: HttpServer;
  router: GatewayRouter;
  /** Ends a session whose client leaves before it has got into it. */
  giveUp: (sessionId: string) => Promise<void>;
  calls: Pick<CallControl, 'rtpCapabilities'>;
  tokens: SessionTokens;
  /** Whether a page of this origin may connect; asked only for requests that name one. */
  isAllowedOrigin: (origin: string, request: IncomingMessage) => boolean;
  iceServers: readonly IceServer[];
  /** Version of the server, for `hello`. */
  version: string;
  /** Name of this pod, for `hello`. */
  podId: string;
  /** How clients may connect. Default: WebSocket only, which needs no balancer that keeps a client on one pod. */
  transports?: readonly ('websocket' | 'polling')[];
  /** Carries broadcasts to the clients of all pods; without it, to this pod's only. */
  adapter?: NonNullable<ServerOptions['adapter']>;
  log: Log;
  nowMs: () => number;
  /** How long a connection may take to join before it is closed, in ms. Default 30 s. */
  joinTimeoutMs?: number;
  /** How long a socket may take to present a token before it is closed, in ms. Default 15 s. */
  connectTimeoutMs?: number;
};

const DEFAULT_JOIN_TIMEOUT_MS = 30_000;
/** Longer: more room for idle sockets. A client presents its token as soon as it is connected. */
const DEFAULT_CONNECT_TIMEOUT_MS = 15_000;
/** Larger messages close the connection in the transport; smaller ones, from 64 KiB, are refused with an answer. */
const MAX_TRANSPORT_BYTES = 262_144;
/** Finds a silent client after at most 20 s, so that its place is not held for long. */
const PING_MS = 10_000;
/** Most connections with a token for one session; a page that reloads quickly has two for a moment. */
const MAX_CLIENTS_PER_SESSION = 8;
/** How many clients at a time a pod that closes sends to others, with a pause: all at once would be a storm. */
const CLOSE_BATCH = { size: 10, pauseMs: 50 };

/** Lets the last event reach clients before their connections are closed. */
const CLOSE_DELAY_MS = 200;

const handshake = z.object({ token: z.string().min(1).max(4096) });

type SocketData = { sessionId: string; tokenExpiresAt: number };

/** The Socket.IO side of signalling: authenticates, and hands each connection to the router. */
export class Gateway implements AsyncDisposable {
  readonly #io: Server;
  readonly #options: GatewayOptions;
  readonly #clients = new Map<string, Set<Connection>>();
  #closed: Promise<void> | undefined;

  constructor(options: GatewayOptions) {
    const { httpServer, transports = ['websocket'], adapter, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS } = options;
    this.#options = options;
    this.#io = new Server(httpServer, {
      transports: [...transports],
      ...(adapter && { adapter }),
      serveClient: false,
      // One that never so much as shows a token.
      connectTimeout: connectTimeoutMs,
      maxHttpBufferSize: MAX_TRANSPORT_BYTES,
      pingInterval: PING_MS,
      pingTimeout: PING_MS,
      allowRequest: (request, decide) => decide(null, this.#isAllowed(request)),
    });
    this.#io.use((socket, next) => {
      this.#authenticate(socket).then(
        () => next(),
        (error: unknown) => next(toHandshakeError(error)),
      );
    });
    this.#io.on('connection', (socket) => this.#connected(socket));
  }

  /** Open connections, joined or not. */
  get connections(): number {
    return this.#io.of('/').sockets.size;
  }

  /**
   * Tells every client of a session, on every pod, that it has ended, and closes their connections. That includes clients that
   * wait for a place or have not joined, which the session's owner does not know.
   */
  ended({ id, epoch, endReason = 'failed' }: SessionRecord): void {
    const room = this.#io.in(roomOf(id));
    // Comes after every event of its owner; a client that has heard of it from those ignores this.
    room.emit('ended', { reason: endReason, epoch, seq: this.#options.nowMs() });
    setTimeout(() => room.disconnectSockets(true), CLOSE_DELAY_MS).unref();
  }

  /** Sends the clients of this pod to others, a few at a time. */
  async dismiss(): Promise<void> {
    const connections = [...this.#clients.values()].flatMap((clients) => [...clients]);
    for (let first = 0; first < connections.length; first += CLOSE_BATCH.size) {
      for (const connection of connections.slice(first, first + CLOSE_BATCH.size)) connection.drop();
      await pause(CLOSE_BATCH.pauseMs);
    }
  }

  /** Closes every connection and the HTTP server's port. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#io.close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #isAllowed(request: IncomingMessage): boolean {
    const { origin } = request.headers;
    return origin === undefined || this.#options.isAllowedOrigin(origin, request);
  }

  async #authenticate(socket: Socket): Promise<void> {
    const auth = handshake.safeParse(socket.handshake.auth);
    if (!auth.success) throw new SignallingFailure('unauthorized');
    const { sessionId, expiresAt } = await this.#options.tokens.verify(auth.data.token).catch((error: unknown) => {
      throw new SignallingFailure('unauthorized', error instanceof Error ? error.message : undefined);
    });
    if ((this.#clients.get(sessionId)?.size ?? 0) >= MAX_CLIENTS_PER_SESSION) {
      throw new SignallingFailure('too_many_requests');
    }
    const data: SocketData = { sessionId, tokenExpiresAt: expiresAt };
    socket.data = data;
    // Up to a quarter of a megabyte of whatever the client likes, which Socket.IO would keep, and hand to pods that ask for it.
    socket.handshake.auth = {};
  }

  #connected(socket: Socket): void {
    const { router, tokens, log, nowMs, joinTimeoutMs } = this.#options;
    const { sessionId, tokenExpiresAt } = socket.data as SocketData;
    const findRoute = router.findRoute.bind(router);
    const giveUp = () => this.#options.giveUp(sessionId);
    const connection = new Connection({ socket, sessionId, findRoute, giveUp, tokens, tokenExpiresAt, log, nowMs });
    void socket.join(roomOf(sessionId));
    this.#add(connection);
    router.add(connection);
    const joinTimer = setTimeout(() => {
      if (!connection.joined) connection.refuse('not_joined');
    }, joinTimeoutMs ?? DEFAULT_JOIN_TIMEOUT_MS);
    socket.on('disconnect', () => {
      clearTimeout(joinTimer);
      connection.release('superseded');
      this.#remove(connection);
      router.remove(connection);
    });
    this.#greet(connection);
  }

  #greet(connection: Connection): void {
    const { calls, iceServers, version, podId } = this.#options;
    const { rtpCapabilities } = calls;
    const pod = podId;
    connection.greet({ protocol: PROTOCOL_VERSION, version, pod, rtpCapabilities, iceServers: [...iceServers] });
  }

  #add(connection: Connection): void {
    const clients = this.#clients.get(connection.sessionId) ?? new Set();
    this.#clients.set(connection.sessionId, clients.add(connection));
  }

  #remove(connection: Connection): void {
    const clients = this.#clients.get(connection.sessionId);
    clients?.delete(connection);
    if (clients?.size === 0) this.#clients.delete(connection.sessionId);
  }
}

const roomOf = (sessionId: string): string => `session:${sessionId}`;

const toHandshakeError = (error: unknown): Error => {
  const { code, message } = toFailure(error);
  return Object.assign(new Error(message), { data: { code, message } });
};
