/** What the pod with the client's connection and the pod that leads the session say to each other. */
import type { LoggedEvent } from './event-log.ts';
import type { ParsedRequest } from './gateway-message.ts';
import type { Answers, MoveReason, Request, Sequenced, SignallingErrorCode } from './protocol.ts';

/** Names a client's connection and the session that it is about. */
export type RelayedClient = { sessionId: string; clientId: string };

/** Requests, each answered with the type beside it. */
export type RelayJoin = RelayedClient & { request: Request<'join'>; reason?: MoveReason };
/** `events` go to the client right after the answer; those that follow are numbered from `position` on. */
export type RelayJoined = { answer: Answers['join']; events: LoggedEvent[]; position: Sequenced };

export type RelayRequest = RelayedClient & { parsed: Exclude<ParsedRequest, { name: 'join' }> };

/** Sent all the time: that this pod and its client are still there, and which event came last. */
export type RelayPing = RelayedClient & { after: Sequenced };
/** Events that had not arrived; `gap`: those before the first of them are lost, or the log is another one. */
export type RelayPong = { events: LoggedEvent[]; gap: boolean; more: boolean };

/** What the owner tells without being asked. */
export type RelayEvent = { clientId: string; event: LoggedEvent };
export type RelayClose = { clientId: string; how: 'refuse' | 'end' | 'drop'; code?: SignallingErrorCode };
/** The session has gone to another pod, which speaks to this client from now on. */
export type RelayRehome = { clientId: string; podId: string; position: Sequenced };

/** Most events of one answer to a ping: the answer stays below a megabyte. */
export const MAX_PONG_EVENTS = 500;
/** How often the owner is asked whether it is still there. */
export const PING_MS = 250;
