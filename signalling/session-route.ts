/** How one client's requests reach the pod that leads its session. */
import type { ParsedRequest } from './gateway-message.ts';
import type { MoveReason, Request } from './protocol.ts';
import type { ChannelClient } from './session-channel.ts';
import type { SessionHost } from './session-host.ts';
import type { Joined } from './session-requests.ts';

/** A client whose connection is on this pod. */
export interface ConnectedClient extends ChannelClient {
  /** Names this connection among all of all pods. */
  readonly id: string;
  /** Tells this client alone something that belongs to no owner's events. */
  tellPosition(position: number): void;
}

export interface SessionRoute {
  readonly kind: 'here' | 'there' | 'queued';
  join(request: Request<'join'>): Promise<Joined>;
  /** Has the client, which has joined before, given media by a `move` event. */
  moveIn(request: Request<'join'>, reason: MoveReason): Promise<void>;
  request(parsed: Exclude<ParsedRequest, { name: 'join' }>): Promise<object>;
  /** The client's connection is gone, or takes another route. Idempotent. */
  close(reason: 'gone' | 'rerouted'): void;
}

/** This pod leads the session. */
export class LocalRoute implements SessionRoute {
  readonly kind = 'here';
  readonly #host: SessionHost;
  readonly #client: ChannelClient;
  readonly #sessionId: string;

  constructor(host: SessionHost, client: ChannelClient, sessionId: string) {
    this.#host = host;
    this.#client = client;
    this.#sessionId = sessionId;
  }

  join(request: Request<'join'>): Promise<Joined> {
    return this.#host.join(this.#client, this.#sessionId, request);
  }

  moveIn(request: Request<'join'>, reason: MoveReason): Promise<void> {
    return this.#host.moveIn(this.#client, this.#sessionId, request, reason);
  }

  request(parsed: Exclude<ParsedRequest, { name: 'join' }>): Promise<object> {
    return this.#host.request(this.#client, this.#sessionId, parsed);
  }

  close(reason: 'gone' | 'rerouted'): void {
    if (reason === 'gone') this.#host.gone(this.#client, this.#sessionId);
  }
}
