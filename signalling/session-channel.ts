import type { CallEvent } from './call-control.ts';
import { EventLog } from './event-log.ts';
import type { LoggedEvent } from './event-log.ts';
import type { Sequenced } from './protocol.ts';

/** The connection that a channel speaks through. */
export type Listener = { deliver: (event: LoggedEvent) => void };

/** Most requests of one session that wait for their turn. An honest client has three at a time. */
const MAX_WAITING = 64;

/**
 * One session as this pod's gateway sees it: whoever is connected to it, its events, and a queue in which its requests are
 * handled one after the other. Other sessions do not wait for it.
 */
export class SessionChannel<Client extends Listener> {
  readonly sessionId: string;
  /** Every connection with a token for this session, joined or not. */
  readonly clients = new Set<Client>();
  /** The one that joined last, or is about to. */
  current: Client | undefined;
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

  get position(): Sequenced {
    return this.#log?.position ?? { epoch: 0, seq: 0 };
  }

  open(epoch: number): void {
    this.#log ??= new EventLog({ epoch });
  }

  /** Makes `client` the one that this session belongs to. Nothing is delivered to it before `deliverFrom`. */
  takeOver(client: Client): Client | undefined {
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
   * Sends `current` what it missed, then everything as it happens. Where the log does not reach back, or the client is
   * new, it is told the agent's state; the conversation so far was in its answer to `join`.
   */
  deliverFrom(lastSeen: Sequenced | undefined, joinedAt: Sequenced, nowMs: number): void {
    const missed = lastSeen === undefined ? 'gap' : (this.#log?.since(lastSeen, nowMs) ?? 'gap');
    const events = missed === 'gap' ? this.#sinceJoin(joinedAt, nowMs) : missed;
    this.#delivering = true;
    for (const event of events) this.current?.deliver(event);
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
