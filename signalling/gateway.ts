import type { IncomingMessage, Server as HttpServer } from 'node:http';
import { Server } from 'socket.io';
import type { Socket } from 'socket.io';
import { z } from 'zod';
import type { CallControl, CallEvent, CallObserver } from './call-control.ts';
import { SignallingFailure, toFailure } from './errors.ts';
import { Connection } from './gateway-connection.ts';
import type { RequestHandler } from './gateway-connection.ts';
import { createRequestHandler } from './gateway-requests.ts';
import type { Log } from './log.ts';
import { PROTOCOL_VERSION } from './protocol.ts';
import type { EndReason, IceServer } from './protocol.ts';
import { SessionChannel } from './session-channel.ts';
import type { Continuation } from './session-store.ts';
import type { SessionRecord } from './session.ts';
import type { Sessions } from './sessions.ts';
import type { SessionTokens } from './tokens.ts';

export type GatewayOptions = {
  httpServer: HttpServer;
  calls: CallControl;
  sessions: Sessions;
  tokens: SessionTokens;
  /** Whether a page of this origin may connect; asked only for requests that name one. */
  isAllowedOrigin: (origin: string, request: IncomingMessage) => boolean;
  iceServers: readonly IceServer[];
  /** Version of the server, for `hello`. */
  version: string;
  log: Log;
  nowMs: () => number;
  /** A connection that has not joined after so long is closed, in ms. Default 30 s. */
  joinTimeoutMs?: number;
};

const DEFAULT_JOIN_TIMEOUT_MS = 30_000;
/** Larger ones close the connection in the transport; smaller ones, from 64 KiB, are refused with an answer. */
const MAX_TRANSPORT_BYTES = 262_144;
/** Finds a silent client after at most 20 s, so that its place is not held for long. */
const PING_MS = 10_000;
/** Connections with a token for one session; a page that reloads quickly has two for a moment. */
const MAX_CLIENTS_PER_SESSION = 8;

const handshake = z.object({ token: z.string().min(1).max(4096) });

type SocketData = { sessionId: string; tokenExpiresAt: number };

/** The Socket.IO side of signalling: authenticates, hands each session its requests, and sends it its events. */
export class Gateway implements CallObserver, AsyncDisposable {
  readonly #io: Server;
  readonly #calls: CallControl;
  readonly #sessions: Sessions;
  readonly #options: GatewayOptions;
  readonly #handle: RequestHandler;
  readonly #channels = new Map<string, SessionChannel<Connection>>();
  #closed: Promise<void> | undefined;

  constructor(options: GatewayOptions) {
    const { httpServer, calls, sessions, nowMs } = options;
    this.#options = options;
    this.#calls = calls;
    this.#sessions = sessions;
    this.#handle = createRequestHandler({ calls, sessions, nowMs });
    this.#io = new Server(httpServer, {
      transports: ['websocket'],
      serveClient: false,
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
    sessions.on('ended', (record) => this.#sessionEnded(record));
  }

  /** Open connections, joined or not. */
  get connections(): number {
    return this.#io.of('/').sockets.size;
  }

  /** Sessions with a client that has joined. */
  get joinedSessions(): string[] {
    return [...this.#channels.values()].filter(({ current }) => current?.joined).map(({ sessionId }) => sessionId);
  }

  event(sessionId: string, event: CallEvent): void {
    const channel = this.#channels.get(sessionId);
    channel?.publish(event, this.#options.nowMs());
    if (event.name !== 'transcript' || !event.data.final) return;
    this.#record(sessionId, 'the transcript', () => this.#sessions.append(sessionId, event.data));
  }

  flowing(sessionId: string, flowing: boolean): void {
    this.#record(sessionId, 'the state', () => this.#sessions.flowing(sessionId, flowing));
  }

  continuation(sessionId: string, continuation: Continuation): void {
    this.#record(sessionId, 'how it stands', () => this.#sessions.keepContinuation(sessionId, continuation));
  }

  ended(sessionId: string, reason: EndReason): void {
    this.#record(sessionId, 'the end', () => this.#sessions.end(sessionId, reason));
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
    if ((this.#channels.get(sessionId)?.clients.size ?? 0) >= MAX_CLIENTS_PER_SESSION) {
      throw new SignallingFailure('too_many_requests');
    }
    const data: SocketData = { sessionId, tokenExpiresAt: expiresAt };
    socket.data = data;
  }

  #connected(socket: Socket): void {
    const { tokens, log, nowMs, iceServers, version, joinTimeoutMs } = this.#options;
    const { sessionId, tokenExpiresAt } = socket.data as SocketData;
    const channel = this.#channelOf(sessionId);
    const connection = new Connection({ socket, channel, handle: this.#handle, tokens, tokenExpiresAt, log, nowMs });
    channel.clients.add(connection);
    const joinTimer = setTimeout(() => {
      if (!connection.joined) connection.refuse('not_joined');
    }, joinTimeoutMs ?? DEFAULT_JOIN_TIMEOUT_MS);
    socket.on('disconnect', () => {
      clearTimeout(joinTimer);
      this.#disconnected(connection);
    });
    const { rtpCapabilities } = this.#calls;
    connection.greet({ protocol: PROTOCOL_VERSION, version, rtpCapabilities, iceServers: [...iceServers] });
  }

  #disconnected(connection: Connection): void {
    const { channel } = connection;
    connection.release('superseded');
    channel.clients.delete(connection);
    this.#record(channel.sessionId, 'that the client is gone', async () => {
      if (channel.current === connection) {
        channel.letGo();
        this.#calls.clientGone(channel.sessionId);
        await this.#sessions.detach(channel.sessionId);
      }
      if (!channel.isOpen && channel.clients.size === 0) this.#forget(channel);
    });
  }

  #sessionEnded({ id, endReason = 'failed' }: SessionRecord): void {
    const channel = this.#channels.get(id);
    channel?.publish({ name: 'ended', data: { reason: endReason } }, this.#options.nowMs());
    for (const client of channel?.clients ?? []) client.end('session_ended');
    this.#record(id, 'the end of the call', async () => {
      if (channel !== undefined) this.#forget(channel);
      await this.#calls.end(id);
    });
  }

  #channelOf(sessionId: string): SessionChannel<Connection> {
    let channel = this.#channels.get(sessionId);
    if (channel === undefined) {
      channel = new SessionChannel(sessionId);
      this.#channels.set(sessionId, channel);
    }
    return channel;
  }

  /** A later connection for the same session starts with a fresh channel. */
  #forget(channel: SessionChannel<Connection>): void {
    if (this.#channels.get(channel.sessionId) === channel) this.#channels.delete(channel.sessionId);
  }

  /** Does what must be done in the session's order and for which nobody waits; a failure is logged, not thrown. */
  #record(sessionId: string, what: string, task: () => Promise<unknown>): void {
    const run = async () => {
      try {
        await task();
      } catch (error) {
        const { code } = toFailure(error);
        if (code === 'session_ended' || code === 'session_not_found') return;
        this.#options.log.error({ sessionId, err: error }, `could not record ${what}`);
      }
    };
    const channel = this.#channels.get(sessionId);
    void (channel === undefined ? run() : channel.enqueueAlways(run));
  }
}

const toHandshakeError = (error: unknown): Error => {
  const { code, message } = toFailure(error);
  return Object.assign(new Error(message), { data: { code, message } });
};
