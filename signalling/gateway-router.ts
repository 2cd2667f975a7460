import { toFailure } from './errors.ts';
import { Connection } from './gateway-connection.ts';
import type { Log } from './log.ts';
import type { MessageBus } from './message-bus.ts';
import type { Occasion } from './ownership.ts';
import { OWNER_PATIENCE_MS } from './ownership.ts';
import type { MoveReason, Request, Sequenced } from './protocol.ts';
import type { RelayClose, RelayEvent, RelayRehome } from './relay-messages.ts';
import { RelayRoute } from './relay-route.ts';
import type { SessionFinder, Whereabouts } from './session-finder.ts';
import type { SessionHost } from './session-host.ts';
import type { ChannelClient } from './session-channel.ts';
import { LocalRoute } from './session-route.ts';
import type { ConnectedClient, SessionRoute } from './session-route.ts';
import type { WaitingRoom } from './waiting-room.ts';

export type GatewayRouterOptions = {
  finder: SessionFinder;
  host: SessionHost;
  waitingRoom: () => WaitingRoom;
  bus: MessageBus;
  log: Log;
  nowMs: () => number;
};

/** Brings each connection of this pod to whoever leads its session, and to the next one when that one is lost. */
export class GatewayRouter {
  readonly #options: GatewayRouterOptions;
  readonly #connections = new Map<string, Connection>();
  readonly #unsubscribe: (() => void)[];

  constructor(options: GatewayRouterOptions) {
    this.#options = options;
    const { bus } = options;
    this.#unsubscribe = [
      bus.subscribe('relay.event', (payload, from) => this.#event(payload as RelayEvent, from)),
      bus.subscribe('relay.close', (payload, from) => this.#close(payload as RelayClose, from)),
      bus.subscribe('relay.rehome', (payload, from) => this.#rehomed(payload as RelayRehome, from)),
    ];
  }

  add(connection: Connection): void {
    this.#connections.set(connection.id, connection);
  }

  find(connectionId: string): Connection | undefined {
    return this.#connections.get(connectionId);
  }

  remove(connection: Connection): void {
    this.#connections.delete(connection.id);
    connection.route?.close('gone');
  }

  /** The way for a client that joins. */
  async findRoute(connection: Connection, request: Request<'join'>): Promise<SessionRoute> {
    const { finder } = this.#options;
    return this.#routeTo(connection, await finder.find(connection.sessionId, occasionOf(request), connection.signal));
  }

  /** A client that has joined is given media where its session is led now. */
  async reroute(
    connection: Connection,
    occasion: Occasion,
    reason: MoveReason,
    silentForMs: number,
    request: Request<'join'> | undefined = connection.joinRequest,
  ): Promise<void> {
    if (request === undefined || connection.signal.aborted) return;
    const { finder, log } = this.#options;
    const { sessionId, signal } = connection;
    const former = connection.route;
    try {
      const whereabouts = await finder.find(sessionId, occasion, signal, OWNER_PATIENCE_MS - silentForMs);
      if (signal.aborted) return;
      if (former instanceof RelayRoute && whereabouts.kind === 'there' && former.ownerPod === whereabouts.podId) {
        // An owner that does not know this client any more has to be told of it by a join, which keeps its media.
        if (former.isDenied) connection.drop();
        else former.found();
        return;
      }
      former?.close('rerouted');
      const route = this.#routeTo(connection, whereabouts);
      connection.route = route;
      // What it had belongs to the former owner.
      const { keep: _keep, lastSeen: _lastSeen, ...fresh } = request;
      await route.moveIn(fresh, reason);
      log.info({ sessionId, reason, from: former?.kind, to: route.kind }, 'a session goes on');
    } catch (error) {
      if (signal.aborted) return;
      const { code } = toFailure(error);
      log.warn({ sessionId, code, err: error }, 'a session could not be brought to another pod');
      if (code === 'session_ended') connection.end(code);
      else connection.drop();
    }
  }

  /** A session that waited has its place: its client, which waits here, is brought to it. */
  place(connectionId: string, request: Request<'join'>): void {
    const connection = this.#connections.get(connectionId);
    if (connection) void this.reroute(connection, 'join', 'placed', 0, request);
  }

  /** The session that was led here is led by `podId` now: this pod passes on what the client and the other one say. */
  relayTo(client: ChannelClient, podId: string, position: Sequenced): void {
    if (!(client instanceof Connection)) return;
    const route = this.#relayRoute(client, podId);
    client.route = route;
    route.takeFrom(position);
    // It went while its session was handed over; the next owner must not wait for it.
    if (!this.#connections.has(client.id)) route.close('gone');
  }

  /** A session that was led elsewhere is led here now, and so is its client, if its connection is on this pod. */
  takeHome(connectionId: string, sessionId: string): ConnectedClient | undefined {
    const connection = this.#connections.get(connectionId);
    if (connection === undefined) return undefined;
    connection.route?.close('rerouted');
    connection.route = new LocalRoute(this.#options.host, connection, sessionId);
    return connection;
  }

  /** How other pods reach this client. */
  addressOf(client: ChannelClient): { id: string; podId: string } | undefined {
    return client instanceof Connection ? { id: client.id, podId: this.#options.bus.podId } : undefined;
  }

  /** Idempotent. */
  close(): void {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
  }

  #routeTo(connection: Connection, whereabouts: Whereabouts): SessionRoute {
    const { host, waitingRoom } = this.#options;
    if (whereabouts.kind === 'here') return new LocalRoute(host, connection, connection.sessionId);
    if (whereabouts.kind === 'queued') return waitingRoom().route(connection, whereabouts.record);
    return this.#relayRoute(connection, whereabouts.podId);
  }

  #relayRoute(connection: Connection, ownerPod: string): RelayRoute {
    const { bus, nowMs } = this.#options;
    const { sessionId } = connection;
    return new RelayRoute({
      sessionId,
      client: connection,
      ownerPod,
      bus,
      onLost: (silentForMs) => void this.reroute(connection, 'media-lost', 'pod', silentForMs),
      nowMs,
    });
  }

  /**
   * The way of a client to `podId`, which leads its session. Undefined where another one does: a pod that hears late that it has
   * lost the session, or never led it, has no say in what the client hears and in what becomes of it.
   */
  #relayFrom(podId: string, clientId: string): RelayRoute | undefined {
    const route = this.#connections.get(clientId)?.route;
    return route instanceof RelayRoute && route.ownerPod === podId ? route : undefined;
  }

  /** The route takes it where it is the next one of the epoch that it follows. */
  #event({ clientId, event }: RelayEvent, from: string): void {
    this.#relayFrom(from, clientId)?.accept(event);
  }

  #close({ clientId, how, code = 'superseded' }: RelayClose, from: string): void {
    const connection = this.#connections.get(clientId);
    if (connection === undefined || this.#relayFrom(from, clientId) === undefined) return;
    if (how === 'refuse') connection.refuse(code);
    else if (how === 'end') connection.end(code);
    else void this.reroute(connection, 'media-lost', 'pod', 0);
  }

  #rehomed({ clientId, podId, position }: RelayRehome, from: string): void {
    this.#relayFrom(from, clientId)?.rehome(podId, position);
  }
}

const occasionOf = ({ lastSeen, keep, hearsAgent }: Request<'join'>): Occasion => {
  // Who has seen events has had media; without any left it may have lost it.
  if (keep === undefined) return lastSeen === undefined ? 'join' : 'rejoin';
  if (hearsAgent === 'yes') return 'hears';
  return hearsAgent === 'unsure' ? 'may-hear' : 'join';
};
