import { setTimeout as pause } from 'node:timers/promises';
import { RemoteRefusal, SignallingFailure } from './errors.ts';
import type { LoggedEvent } from './event-log.ts';
import type { ParsedRequest } from './gateway-message.ts';
import type { MessageBus } from './message-bus.ts';
import type { MoveReason, Request, Sequenced } from './protocol.ts';
import { PING_MS } from './relay-messages.ts';
import type { RelayJoin, RelayJoined, RelayPing, RelayPong, RelayRequest } from './relay-messages.ts';
import type { Joined } from './session-requests.ts';
import type { ConnectedClient, SessionRoute } from './session-route.ts';

export type RelayRouteOptions = {
  sessionId: string;
  client: ConnectedClient;
  /** The pod that leads the session. */
  ownerPod: string;
  bus: MessageBus;
  /**
   * The owner is lost to its client: find out who leads the session now.
   * @param silentForMs how long the owner has not answered
   */
  onLost: (silentForMs: number) => void;
  nowMs: () => number;
};

/** A join may have to open a call; other requests do little. */
const JOIN_MS = 4_000;
const REQUEST_MS = 3_000;
/** An owner that is there answers at once; the next ping asks for the same. */
const PING_TIMEOUT_MS = 600;

/**
 * Another pod leads the session: requests go there, and its events come back, each once and in order. An owner that is
 * silent is left alone until its client says that it hears nothing: a call that goes on stays where it is.
 */
export class RelayRoute implements SessionRoute {
  readonly kind = 'there';
  readonly #options: RelayRouteOptions;
  readonly #closed = new AbortController();
  #ownerPod: string;
  /** The last event passed on. */
  #after: Sequenced | undefined;
  #heardMs: number;
  #lost = false;
  #denied = false;

  constructor(options: RelayRouteOptions) {
    this.#options = options;
    this.#ownerPod = options.ownerPod;
    this.#heardMs = options.nowMs();
  }

  /** The owner has said that it does not know this client. */
  get isDenied(): boolean {
    return this.#denied;
  }

  get ownerPod(): string {
    return this.#ownerPod;
  }

  async join(request: Request<'join'>): Promise<Joined> {
    const { answer, events, position } = await this.#join({ ...this.#name, request });
    const start = () => {
      this.#options.client.becomeJoined();
      this.#begin(position);
      return events;
    };
    return { answer, start };
  }

  async moveIn(request: Request<'join'>, reason: MoveReason): Promise<void> {
    const { events, position } = await this.#join({ ...this.#name, request, reason });
    for (const event of events) this.#options.client.deliver(event);
    this.#begin(position);
  }

  async request(parsed: Exclude<ParsedRequest, { name: 'join' }>): Promise<object> {
    const hearsNothing = parsed.name === 'report' && parsed.request.noPacketsForMs !== undefined;
    if (hearsNothing) {
      // The client has said it; whether the owner can still be asked shows when somebody looks for who leads.
      this.#loseOwner();
      return {};
    }
    const message: RelayRequest = { ...this.#name, parsed };
    return (await this.#ask('relay.request', message, REQUEST_MS)) as object;
  }

  /** The owner tells of an event. Those that came before and got lost are asked for with the next ping. */
  accept(event: LoggedEvent): void {
    const after = this.#after;
    if (after === undefined || event.epoch !== after.epoch || event.seq !== after.seq + 1) return;
    this.#pass(event);
  }

  /** The session has been handed to another pod, which numbers its events from `position` on. */
  rehome(podId: string, position: Sequenced): void {
    this.#denied = false;
    this.#ownerPod = podId;
    this.#heardMs = this.#options.nowMs();
    if (this.#after === undefined) this.#begin(position);
    else this.#after = position;
  }

  /** As `rehome`, for a route that begins with a session that was led here. */
  takeFrom(position: Sequenced): void {
    this.#begin(position);
  }

  close(reason: 'gone' | 'rerouted'): void {
    if (this.#closed.signal.aborted) return;
    // Whatever is under way has been asked of the wrong pod; the client asks again.
    this.#closed.abort(new SignallingFailure('server_busy'));
    if (reason !== 'gone') return;
    this.#options.bus
      .request(this.#ownerPod, 'relay.gone', this.#name, { timeoutMs: REQUEST_MS })
      .catch(() => undefined);
  }

  get #name(): { sessionId: string; clientId: string } {
    const { sessionId, client } = this.#options;
    return { sessionId, clientId: client.id };
  }

  async #join(message: RelayJoin): Promise<RelayJoined> {
    try {
      return (await this.#ask('relay.join', message, JOIN_MS)) as RelayJoined;
    } catch (error) {
      if (!(error instanceof RemoteRefusal) || error.code !== 'session_not_found') throw error;
      // It led the session when it was asked, and has lost it since. To the client, "not found" would be the end.
      throw new SignallingFailure('server_busy', undefined, { cause: error });
    }
  }

  async #ask(name: string, message: object, timeoutMs: number): Promise<unknown> {
    const answer = await this.#options.bus.request(this.#ownerPod, name, message, {
      timeoutMs,
      signal: this.#closed.signal,
    });
    this.#heardMs = this.#options.nowMs();
    return answer;
  }

  #begin(position: Sequenced): void {
    this.#after = position;
    void this.#watch();
  }

  async #watch(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      try {
        const more = await this.#ping();
        if (!more) await pause(PING_MS, undefined, { signal });
      } catch (error) {
        if (signal.aborted) return;
        this.#doubt(error);
        await pause(PING_MS / 2, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #ping(): Promise<boolean> {
    const after = this.#after ?? { epoch: 0, seq: 0 };
    const message: RelayPing = { ...this.#name, after };
    const { events, gap, more } = (await this.#ask('relay.ping', message, PING_TIMEOUT_MS)) as RelayPong;
    for (const event of events) {
      const last = this.#after ?? after;
      const next = event.epoch === last.epoch && event.seq === last.seq + 1;
      if (next || (gap && (event.epoch > last.epoch || (event.epoch === last.epoch && event.seq > last.seq)))) {
        this.#pass(event);
      }
    }
    return more;
  }

  #pass(event: LoggedEvent): void {
    this.#after = { epoch: event.epoch, seq: event.seq };
    this.#options.client.deliver(event);
  }

  /** The owner denies that it leads. That it does not answer says nothing yet. */
  #doubt(error: unknown): void {
    if (!(error instanceof RemoteRefusal)) return;
    // It has answered, whatever it said.
    this.#heardMs = this.#options.nowMs();
    if (error.code === 'session_ended') return this.#options.client.end('session_ended');
    if (error.code === 'superseded') return this.#options.client.refuse('superseded');
    this.#denied = true;
    this.#loseOwner();
  }

  #loseOwner(): void {
    if (this.#lost || this.#closed.signal.aborted) return;
    this.#lost = true;
    this.#options.onLost(this.#options.nowMs() - this.#heardMs);
  }

  /** Nobody else leads it after all; should the owner be lost again, that is told again. */
  found(): void {
    this.#lost = false;
  }
}
