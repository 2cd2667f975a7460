import type { CallControl } from './call-control.ts';
import { SignallingFailure } from './errors.ts';
import type { MessageBus } from './message-bus.ts';
import type { Sequenced } from './protocol.ts';
import { MAX_PONG_EVENTS } from './relay-messages.ts';
import type {
  RelayedClient,
  RelayJoin,
  RelayJoined,
  RelayPing,
  RelayPong,
  RelayRequest,
  RelayRehome,
} from './relay-messages.ts';
import { RemoteClient } from './remote-client.ts';
import type { SessionHost } from './session-host.ts';
import type { Sessions } from './sessions.ts';

export type RelayDeskOptions = {
  bus: MessageBus;
  calls: Pick<CallControl, 'mediaState'>;
  host: SessionHost;
  sessions: Sessions;
  nowMs: () => number;
};

/**
 * A pod that has said nothing of its client for so long has died, or one of both cannot reach Redis. The client counts as
 * gone then, unless its media arrives.
 */
const SILENT_MS = 5_000;
const LOOK_MS = 1_000;
/** Longer than the media side looks for packets. */
const MEDIA_LOOK_MS = 2_000;

/** The owner's end of relaying: serves clients whose connections are on other pods. */
export class RelayDesk {
  readonly #options: RelayDeskOptions;
  readonly #clients = new Map<string, RemoteClient>();
  /** Silent ones, for whose media is being looked. */
  readonly #doubted = new Set<RemoteClient>();
  readonly #watch: NodeJS.Timeout;

  constructor(options: RelayDeskOptions) {
    this.#options = options;
    const { bus } = options;
    bus.handle('relay.join', (payload, from) => this.#join(payload as RelayJoin, from));
    bus.handle('relay.request', (payload) => this.#request(payload as RelayRequest));
    bus.handle('relay.ping', async (payload) => this.#ping(payload as RelayPing));
    bus.handle('relay.gone', async (payload) => this.#gone((payload as RelayedClient).clientId));
    this.#watch = setInterval(() => this.#dropSilent(), LOOK_MS);
    this.#watch.unref();
  }

  /** A client that comes with a session from another pod. */
  add(sessionId: string, clientId: string, podId: string): RemoteClient {
    const { bus, nowMs } = this.#options;
    const client = new RemoteClient({ id: clientId, sessionId, podId, bus, nowMs: nowMs() });
    this.#clients.get(clientId)?.release();
    this.#clients.set(clientId, client);
    return client;
  }

  /** A session goes to another pod, which will speak to this client. */
  rehome(client: RemoteClient, podId: string, position: Sequenced): void {
    this.#clients.delete(client.id);
    client.release();
    const message: RelayRehome = { clientId: client.id, podId, position };
    this.#options.bus.tell(client.podId, 'relay.rehome', message);
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#watch);
    for (const client of this.#clients.values()) client.release();
    this.#clients.clear();
  }

  async #join({ sessionId, clientId, request, reason }: RelayJoin, podId: string): Promise<RelayJoined> {
    const { host, sessions } = this.#options;
    if (!sessions.holds(sessionId)) throw new SignallingFailure('session_not_found');
    const client = this.add(sessionId, clientId, podId);
    try {
      const { answer, start } = await host.join(client, sessionId, request, reason !== undefined);
      const events = start();
      const position = this.#positionOf(sessionId);
      if (reason === undefined || answer.media === undefined) return { answer, events, position };
      const { media, transcript } = answer;
      host.tell(sessionId, { name: 'move', data: { reason, media, transcript, pod: answer.session.pod } });
      return { answer, events, position };
    } catch (error) {
      if (this.#clients.get(clientId) === client) this.#clients.delete(clientId);
      client.release();
      throw error;
    }
  }

  #request({ sessionId, clientId, parsed }: RelayRequest): Promise<object> {
    const client = this.#clients.get(clientId);
    if (client === undefined) return Promise.reject(new SignallingFailure('session_not_found'));
    return this.#options.host.request(client, sessionId, parsed);
  }

  #ping({ sessionId, clientId, after }: RelayPing): RelayPong {
    const { host, nowMs } = this.#options;
    const client = this.#clients.get(clientId);
    const channel = host.find(sessionId);
    // Its connection joins anew, and has not had its turn: nobody has taken its place.
    if (client?.joined === false) return { events: [], gap: false, more: false };
    if (client === undefined || channel?.current !== client) {
      // It has been told, which may have got lost.
      throw new SignallingFailure(channel?.current === undefined ? 'session_not_found' : 'superseded');
    }
    client.heardMs = nowMs();
    const missed = channel.since(after, nowMs());
    const gap = missed === 'gap';
    const events = gap ? channel.recent(nowMs()) : missed;
    return { events: events.slice(0, MAX_PONG_EVENTS), gap, more: events.length > MAX_PONG_EVENTS };
  }

  #gone(clientId: string): object {
    const client = this.#clients.get(clientId);
    this.#clients.delete(clientId);
    if (client === undefined) return {};
    client.release();
    this.#options.host.gone(client, client.sessionId);
    return {};
  }

  #dropSilent(): void {
    const silentSinceMs = this.#options.nowMs() - SILENT_MS;
    for (const client of this.#clients.values()) {
      const channel = this.#options.host.find(client.sessionId);
      if (client.heardMs < silentSinceMs) void this.#doubt(client);
      // Superseded, or its session has ended: nothing is said to it any more.
      else if (client.joined && channel?.current !== client) this.#clients.delete(client.id);
    }
  }

  /** While Redis is away no pod hears of the others' clients, and their calls go on: the media tells who is there. */
  async #doubt(client: RemoteClient): Promise<void> {
    if (this.#doubted.has(client)) return;
    this.#doubted.add(client);
    const silentSinceMs = client.heardMs;
    const { calls } = this.#options;
    const signal = AbortSignal.timeout(MEDIA_LOOK_MS);
    const media = await calls.mediaState(client.sessionId, signal).catch(() => 'lost');
    this.#doubted.delete(client);
    const heard = client.heardMs > silentSinceMs;
    if (media !== 'flowing' && !heard && this.#clients.get(client.id) === client) this.#gone(client.id);
  }

  #positionOf(sessionId: string): Sequenced {
    return this.#options.host.find(sessionId)?.position ?? { epoch: 0, seq: 0 };
  }
}
