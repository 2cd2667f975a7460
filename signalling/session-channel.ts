import type { CallEvent } from './call-control.ts';
import { EventLog } from './event-log.ts';
import type { LoggedEvent } from './event-log.ts';
import type { Request, Sequenced, SignallingErrorCode } from './protocol.ts';

/** A client of a session as its owner sees it, whether its connection is here or on another pod. */
export interface ChannelClient {
  readonly joined: boolean;
  /** Aborted when the client is gone, was superseded, or its session has ended; the reason is a `SignallingFailure`. */
  readonly signal: AbortSignal;
  deliver(event: LoggedEvent): void;
  /** Its `join` was answered. */
  becomeJoined(): void;
  /** Tells it why, and closes its connection a moment later. */
  refuse(code: SignallingErrorCode): void;
  /** Nothing more is done for it; its connection closes when what was sent has arrived. */
  end(code: SignallingErrorCode): void;
  /** Its session is led elsewhere, and its pod has to find out where. */
  drop(): void;
}

/** Most requests of one session that wait for their turn. An honest client has three at a time. */
const MAX_WAITING = 64;

/**
 * One session as this pod's gateway sees it: whoever is connected to it, its events, and a queue in which its requests are
 * handled one after the other. Other sessions do not wait for it.
 */
export class SessionChannel {
  readonly sessionId: string;
  /** The one that joined last, or is about to. */
  current: ChannelClient | undefined;
  /** What it asked for, should it have to be given other media. */
  joinRequest: Request<'join'> | undefined;
  /** It has said that it has no microphone. */
  withoutMicrophone = false;
  /** Another pod that is about to take the session over, and the transports that the client was given there. */
  standby: { podId: string; transportIds: readonly string[] } | undefined;
  /** Set by the first join, when the epoch is known. */
  #log: EventLog | undefined;
  /** `current` has its answer to `join`; before, events only gather in the log. */
  #delivering = false;
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(sessionId: string) {
    this.sessionId = sessionId;
  }

  /** Events are kept from the first join on; before there is nobody to miss them. */
  get isOpen(): boolean {
    return this.#log !== undefined;
  }

  /** While a task runs: whether none waits behind it. */
  get isLast(): boolean {
    return this.#waiting === 1;
  }

  get position(): Sequenced {
    return this.#log?.position ?? { epoch: 0, seq: 0 };
  }

  /** Events are numbered under this epoch from now on; where it is a new one, from the first. */
  open(epoch: number): void {
    if (this.#log === undefined || this.#log.position.epoch < epoch) this.#log = new EventLog({ epoch });
  }

  /** Makes `client` the one that this session belongs to. Nothing is delivered to it before `deliverFrom`. */
  takeOver(client: ChannelClient): ChannelClient | undefined {
    const former = this.current;
    this.current = client;
    this.#delivering = false;
    return former === client ? undefined : former;
  }

  letGo(): void {
    this.current = undefined;
    this.#delivering = false;
  }

  /**
   * From now on `current` is sent everything as it happens. Returns what it missed, to be delivered before: where the log
   * does not reach back, or the client is new, the agent's state; the conversation so far was in its answer to `join`.
   */
  startFrom(lastSeen: Sequenced | undefined, joinedAt: Sequenced, nowMs: number): LoggedEvent[] {
    const missed = lastSeen === undefined ? 'gap' : (this.#log?.since(lastSeen, nowMs) ?? 'gap');
    this.#delivering = true;
    return missed === 'gap' ? this.#sinceJoin(joinedAt, nowMs) : missed;
  }

  /** What came after `position`, for a pod that passes events on and may have missed some; `gap`: not all is here. */
  since(position: Sequenced, nowMs: number): LoggedEvent[] | 'gap' {
    return this.#log?.since(position, nowMs) ?? 'gap';
  }

  /** All that is still here, the oldest first. */
  recent(nowMs: number): LoggedEvent[] {
    return this.#log?.recent(nowMs) ?? [];
  }

  /** Numbers an event and delivers it, now or after the next join. */
  publish(event: CallEvent, nowMs: number): void {
    const logged = this.#log?.append(event, nowMs);
    if (logged !== undefined && this.#delivering) this.current?.deliver(logged);
  }

  /** Runs `task` after those before it. `undefined`: too many are waiting already. A failure is the caller's alone. */
  enqueue<Result>(task: () => Promise<Result>): Promise<Result> | undefined {
    if (this.#waiting >= MAX_WAITING) return undefined;
    return this.#append(task);
  }

  /** As `enqueue`, for what must happen whatever the client did. */
  enqueueAlways(task: () => Promise<void>): Promise<void> {
    return this.#append(task);
  }

  #append<Result>(task: () => Promise<Result>): Promise<Result> {
    this.#waiting += 1;
    const result = this.#tail.then(task);
    const settled = () => {
      this.#waiting -= 1;
    };
    this.#tail = result.then(settled, settled);
    return result;
  }

  #sinceJoin(joinedAt: Sequenced, nowMs: number): LoggedEvent[] {
    const events = this.#log?.since(joinedAt, nowMs) ?? 'gap';
    const recent = events === 'gap' ? [] : events;
    const agentState = this.#log?.agentState;
    return agentState === undefined || recent.includes(agentState) ? recent : [agentState, ...recent];
  }
}
