import { SignallingFailure } from './errors.ts';
import type { LoggedEvent } from './event-log.ts';
import type { MessageBus } from './message-bus.ts';
import type { SignallingErrorCode } from './protocol.ts';
import type { RelayClose, RelayEvent } from './relay-messages.ts';
import type { ChannelClient } from './session-channel.ts';

export type RemoteClientOptions = {
  id: string;
  sessionId: string;
  /** Where its connection is. */
  podId: string;
  bus: MessageBus;
  nowMs: number;
};

/** A client of a session that this pod leads, with its connection on another pod. */
export class RemoteClient implements ChannelClient {
  readonly id: string;
  readonly sessionId: string;
  readonly podId: string;
  joined = false;
  /** When its pod last said that it is there. */
  heardMs: number;
  readonly #bus: MessageBus;
  readonly #gone = new AbortController();

  constructor({ id, sessionId, podId, bus, nowMs }: RemoteClientOptions) {
    this.id = id;
    this.sessionId = sessionId;
    this.podId = podId;
    this.heardMs = nowMs;
    this.#bus = bus;
  }

  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  deliver(event: LoggedEvent): void {
    const message: RelayEvent = { clientId: this.id, event };
    this.#bus.tell(this.podId, 'relay.event', message);
  }

  becomeJoined(): void {
    this.joined = true;
  }

  refuse(code: SignallingErrorCode): void {
    this.#close({ clientId: this.id, how: 'refuse', code });
  }

  end(code: SignallingErrorCode): void {
    this.#close({ clientId: this.id, how: 'end', code });
  }

  drop(): void {
    this.#close({ clientId: this.id, how: 'drop' });
  }

  /** Its connection is gone, or it is not this pod's any more. */
  release(): void {
    if (!this.signal.aborted) this.#gone.abort(new SignallingFailure('superseded'));
  }

  /** Once it is released its connection may have joined anew, under the same name: it must not be closed for that. */
  #close(message: RelayClose): void {
    if (this.signal.aborted) return;
    this.#bus.tell(this.podId, 'relay.close', message);
    this.#gone.abort(new SignallingFailure(message.code ?? 'superseded'));
  }
}
