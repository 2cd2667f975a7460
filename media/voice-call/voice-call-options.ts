/** What a call in a voice worker is given, and whom it tells. */
import type { CallEvent } from '../conversation/call-events.ts';
import type { CallLink } from '../rtp/caller-link.ts';
import type { CallProviders } from './call-providers.ts';
import type { After } from '../runtime/clock.ts';
import type { ConversationSnapshot, EndedBy } from '../conversation/conversation-events.ts';
import type { Decide } from '../turn/decision.ts';
import type { EncodedClips } from '../audio/encoded-clips.ts';
import type { EncoderEffort } from '../speech/encoder-effort.ts';
import type { PlayoutRateHz } from '../audio/opus.ts';
import type { PlayoutClock } from '../speech/playout-clock.ts';
import type { OnStageEvent } from '../providers/registry.ts';
import type { ToolSide } from '../tools/call-tools.ts';
import type { VadBatcher } from '../vad/vad-batcher.ts';
import type { CallSnapshot, OpenCall } from '../workers/voice-protocol.ts';

export type VoiceCallOptions = {
  open: OpenCall;
  link: CallLink;
  now: () => number;
  /** Has the call's `work` done before its next time. Default: it waits. */
  hurry?: () => void;
  /** Default: the machine's time. */
  after?: After;
  rateHz: PlayoutRateHz;
  clock: PlayoutClock;
  clips: EncodedClips;
  effort?: EncoderEffort;
  batcher: VadBatcher;
  /** Where journals go; without it there are none. */
  journalFolder: string | undefined;
  /** @throws ProviderConfigError where the agent cannot be served */
  providers: (agent: OpenCall['agent'], onStageEvent: OnStageEvent, decide: Decide, side: ToolSide) => CallProviders;
  onEvent: (event: CallEvent) => void;
  onStateChanged: (snapshot: CallSnapshot) => void;
  /** Has it kept where whoever goes on with the call finds it; resolves to whether it is there. */
  recordTools: ToolSide['record'];
  /** The call is over. */
  onEnded: (reason: EndedBy) => void;
  /** The voice has stopped for good, and another pod may go on from here. */
  onHandedOver: (conversation: ConversationSnapshot) => void;
  onFault: (code: string, fault: unknown) => void;
  onVerdictDelay: (delayMs: number) => void;
};
