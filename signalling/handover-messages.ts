/** What a pod that closes and the pod that takes a session over say to each other. */
import type { Restored, StandbyRequest } from './call-control.ts';
import type { ParsedRequest } from './gateway-message.ts';
import type { MediaOptions, Request, Sequenced } from './protocol.ts';
import type { Continuation } from './session-store.ts';
import type { SessionRecord } from './session.ts';

/** Open the call beside ours, silently. Answered by `HandoverPrepared`. */
export type HandoverPrepare = { record: SessionRecord; request: StandbyRequest; restored: Restored };
export type HandoverPrepared = { media: MediaOptions };

/** What the client asks of the transports that it was given there. */
export type HandoverRequest = { id: string; parsed: Exclude<ParsedRequest, { name: 'join' }> };

/** Lead it from now on: we have stopped speaking. Answered by `HandoverCommitted`. */
export type HandoverCommit = {
  id: string;
  fromEpoch: number;
  restored: Restored;
  client: { id: string; podId: string };
  joinRequest: Request<'join'>;
  withoutMicrophone: boolean;
};
/** A tool that ran on where the session came from has ended: how things stand there. Nothing happens under another epoch. */
export type HandoverLate = { id: string; epoch: number; continuation: Continuation };

/** Events are numbered from here on. */
export type HandoverCommitted = { position: Sequenced };
