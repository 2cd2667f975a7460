/**
 * The latest events of one session, numbered, so that a client that was away can be sent what it missed. Pure: time comes
 * in as `nowMs`.
 */
import type { CallEvent } from './call-control.ts';
import type { Sequenced } from './protocol.ts';

export type EventLogOptions = {
  epoch: number;
  /** Most events kept. Default 10,000. */
  maximumEvents?: number;
  /** How long an event is kept, in ms. Default 60 s: a client away for longer starts from the transcript. */
  maximumAgeMs?: number;
};

export type LoggedEvent = CallEvent & Sequenced;

const DEFAULT_MAXIMUM_EVENTS = 10_000;
const DEFAULT_MAXIMUM_AGE_MS = 60_000;

export class EventLog {
  readonly epoch: number;
  readonly #maximumEvents: number;
  readonly #maximumAgeMs: number;
  /** Oldest first; those before `#start` are dropped and removed in larger pieces, since shifting each is slow. */
  #events: { event: LoggedEvent; loggedAtMs: number }[] = [];
  #start = 0;
  #seq = 0;
  #agentState: LoggedEvent | undefined;

  constructor({ epoch, maximumEvents, maximumAgeMs }: EventLogOptions) {
    this.epoch = epoch;
    this.#maximumEvents = maximumEvents ?? DEFAULT_MAXIMUM_EVENTS;
    this.#maximumAgeMs = maximumAgeMs ?? DEFAULT_MAXIMUM_AGE_MS;
  }

  /** The last event's number; `seq` is 0 before the first. */
  get position(): Sequenced {
    return { epoch: this.epoch, seq: this.#seq };
  }

  /** The latest `agent-state`, however old: what a page needs that starts in the middle. */
  get agentState(): LoggedEvent | undefined {
    return this.#agentState;
  }

  append(event: CallEvent, nowMs: number): LoggedEvent {
    this.#seq += 1;
    const logged: LoggedEvent = { ...event, epoch: this.epoch, seq: this.#seq };
    if (event.name === 'agent-state') this.#agentState = logged;
    this.#events.push({ event: logged, loggedAtMs: nowMs });
    this.#prune(nowMs);
    return logged;
  }

  /** What came after `lastSeen`, or `gap` where some of it is no longer here or was of another epoch. */
  since(lastSeen: Sequenced, nowMs: number): LoggedEvent[] | 'gap' {
    this.#prune(nowMs);
    const missed = this.#seq - lastSeen.seq;
    const kept = this.#events.length - this.#start;
    if (lastSeen.epoch !== this.epoch || missed < 0 || missed > kept) return 'gap';
    return this.#events.slice(this.#events.length - missed).map(({ event }) => event);
  }

  /** All that is still here, the oldest first. */
  recent(nowMs: number): LoggedEvent[] {
    this.#prune(nowMs);
    return this.#events.slice(this.#start).map(({ event }) => event);
  }

  #prune(nowMs: number): void {
    const oldestMs = nowMs - this.#maximumAgeMs;
    const first = this.#events.length - this.#maximumEvents;
    while (this.#start < this.#events.length) {
      const entry = this.#events[this.#start];
      if (entry === undefined || (this.#start >= first && entry.loggedAtMs > oldestMs)) break;
      this.#start += 1;
    }
    if (this.#start > 256 && this.#start * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#start);
      this.#start = 0;
    }
  }
}
