/**
 * Nothing of this runs or is packed. It fails the type check when the SDK's own types (`types.ts`) and the server's
 * protocol no longer say the same.
 */
import type * as protocol from '../../signalling/protocol.ts';
import type { ParleyEvents } from './client-events.ts';
import type * as own from './types.ts';
import type { protocolVersion } from './version.ts';

/** Both ways assignable: neither side has a field, or a value of one, that the other lacks. */
type Same<One, Other> = [One] extends [Other] ? ([Other] extends [One] ? true : false) : false;
type SameFields<One, Other> = Same<keyof One, keyof Other> extends true ? Same<One, Other> : false;
type Assert<Holds extends true> = Holds;

export type Agreement = [
  Assert<SameFields<own.AgentState, protocol.SessionEvents['agent-state']>>,
  Assert<SameFields<own.TranscriptEntry, protocol.TranscriptEntry>>,
  Assert<SameFields<own.Turn, protocol.SessionEvents['turn']>>,
  Assert<SameFields<own.TurnTimings, protocol.TurnTimings>>,
  Assert<SameFields<own.CallerNetwork, protocol.CallerNetwork>>,
  Assert<SameFields<own.Decision, protocol.Decision>>,
  Assert<SameFields<own.ToolUse, NonNullable<protocol.TranscriptEntry['tools']>[number]>>,
  Assert<SameFields<own.ShownText, protocol.SessionEvents['text']>>,
  Assert<SameFields<own.Session, protocol.SessionView>>,
  Assert<Same<own.EndReason, protocol.EndReason>>,
  Assert<Same<own.MoveReason, protocol.MoveReason>>,
  Assert<Same<own.SessionState, protocol.SessionState>>,
  Assert<Same<own.MediaPlaybackState, NonNullable<protocol.Request<'report'>['playback']>>>,
  Assert<SameFields<ParleyEvents['queued'], protocol.SessionEvents['queued']>>,
  Assert<Same<typeof protocolVersion, typeof protocol.PROTOCOL_VERSION>>,
];
