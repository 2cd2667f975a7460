/**
 * The record of one conversation, and the pure state machine that moves it:
 *
 * ```
 * queued ──placed──► ready ──flowing──► live ◄──flowing, rejoined── interrupted
 *                                        └──────────gone──────────►
 * any of them ──end(reason)──► ended
 * ```
 */
import { InvalidTransition } from './errors.ts';
import type { EndReason, SessionState } from './protocol.ts';

/** Values that a caller of the HTTP interface gives along, for the agent's prompts. */
export type SessionVariables = Record<string, string | number | boolean>;

/** Changes are counted anew by each owner: what a former one took on later than it knew is none of the present one's. */
export type ChangeNumber = { epoch: number; count: number };

export type SessionRecord = {
  /** UUID. */
  readonly id: string;
  /** Name of the agent whom the caller talks to. */
  readonly agent: string;
  /** Which state of the agent's configuration the session was opened with. */
  readonly agentVersion?: string;
  readonly campaign?: string;
  readonly variables?: SessionVariables;
  /** Changes to the agent's configuration for this session alone; already validated against the agent. */
  readonly overrides?: Record<string, unknown>;
  /** The integrator's own data; never looked into. */
  readonly metadata?: Record<string, unknown>;
  readonly state: SessionState;
  /** The pod that may write; others are refused. Empty while it is queued. */
  readonly ownerPod: string;
  /** Grows with every change of owner. Writes and events carry it. */
  readonly epoch: number;
  /** Grows with every write; two writers that read the same version cannot both succeed. */
  readonly version: number;
  /** Unix times in milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Which change of the variables or the metadata was the last one; absent: there was none. */
  readonly changed?: ChangeNumber;
  /** When the session ends unless a client is connected to it. */
  readonly expiresAt: number;
  readonly endReason?: EndReason;
  readonly endedAt?: number;
  /** In its owner's memory alone, or newer there: the shared store is away. Told, never stored. */
  readonly unsaved?: true;
};

/** What the maker of a session says of it. */
export type NewSession = Pick<
  SessionRecord,
  'agent' | 'agentVersion' | 'campaign' | 'variables' | 'overrides' | 'metadata'
>;

/** What may be changed later. */
export type SessionChanges = Partial<Pick<SessionRecord, 'variables' | 'metadata'>>;

export const nextChange = ({ epoch, changed }: SessionRecord): ChangeNumber => ({
  epoch,
  count: changed?.epoch === epoch ? changed.count + 1 : 1,
});

export type SessionTransition =
  /** A pod holds a place for it. */
  | { type: 'placed' }
  /** The caller's media arrives. */
  | { type: 'flowing' }
  /** A client that was gone is back. */
  | { type: 'rejoined' }
  /** The client, its media or the owner is gone; the session waits to be resumed. */
  | { type: 'gone' }
  | { type: 'end'; reason: EndReason };

/** The state after an event; events that change nothing where they are expected stay in the same state. */
const NEXT: Record<SessionState, Partial<Record<SessionTransition['type'], SessionState>>> = {
  queued: { placed: 'ready', gone: 'queued', end: 'ended' },
  ready: { placed: 'ready', flowing: 'live', rejoined: 'ready', gone: 'ready', end: 'ended' },
  live: { flowing: 'live', rejoined: 'live', gone: 'interrupted', end: 'ended' },
  interrupted: { flowing: 'live', rejoined: 'live', gone: 'interrupted', end: 'ended' },
  ended: { end: 'ended' },
};

/**
 * Applies one event. Returns the same record when nothing changes: a session that has ended keeps its first reason.
 * @throws {InvalidTransition} where the state does not know the event.
 */
export const transition = (record: SessionRecord, event: SessionTransition, nowMs: number): SessionRecord => {
  const state = NEXT[record.state][event.type];
  if (state === undefined) throw new InvalidTransition(record.state, event.type, record.endReason);
  if (state === record.state) return record;
  const moved = { ...record, state, updatedAt: nowMs };
  return event.type === 'end' ? { ...moved, endReason: event.reason, endedAt: nowMs } : moved;
};
