import type { ClientState } from './types.ts';

/** What is known of a call; its state follows. */
export type CallFacts = {
  /** Media stood once: `connect()` is done. */
  connectedOnce: boolean;
  /** Signalling stands, and the session was joined over it. */
  joined: boolean;
  /** The session waits for a place. */
  queued: boolean;
  /** Other transports are being connected. */
  moving: boolean;
  /** Nothing of the agent arrives. */
  silent: boolean;
  closed: boolean;
};

/** Of a call that has just been begun. */
export const atFirst: Readonly<CallFacts> = {
  connectedOnce: false,
  joined: false,
  queued: false,
  moving: false,
  silent: false,
  closed: false,
};

/** Pure. */
export function stateOf({ closed, connectedOnce, joined, moving, queued, silent }: CallFacts): ClientState {
  if (closed) return 'disconnected';
  if (queued) return joined ? 'queued' : 'reconnecting';
  if (!connectedOnce) return 'connecting';
  if (!joined) return 'reconnecting';
  // New transports are the answer to silence, so a move is what happens then.
  if (moving) return 'moving';
  return silent ? 'reconnecting' : 'connected';
}
