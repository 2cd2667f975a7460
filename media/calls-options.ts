/** What the calls of a process are started with, and whom they tell. */
import type { AgentConfig } from './agent/agent.ts';
import type { CallEvent } from './conversation/call-events.ts';
import type { Absence } from './call-client.ts';
import type { MoveEvent } from './call-options.ts';
import type { EndedBy } from './conversation/conversation-events.ts';
import type { Continuation, SavedConversation } from './conversation/continuation.ts';
import type { SfuOptions } from './sfu.ts';
import type { VoiceWorkerPoolOptions } from './workers/voice-worker-pool.ts';

export type CallsObserver = {
  event: (callId: string, event: CallEvent | MoveEvent) => void;
  flowing: (callId: string, flowing: boolean) => void;
  /** Resolves to whether it is kept where another pod would go on from it; where there is none, in this one's memory. */
  continuation: (callId: string, continuation: Continuation) => Promise<boolean>;
  ended: (callId: string, reason: EndedBy) => void;
};

export type CallsOptions = {
  media: Omit<SfuOptions, 'events'>;
  voice: Omit<VoiceWorkerPoolOptions, 'events'>;
  /** Told of workers lost and of faults, never of what was said. */
  onNotice: (notice: { code: string; message: string; callId?: string }) => void;
  /** Default: 15 s, and 60 s more. */
  absence?: Absence;
};

/** What is needed to open a call. */
export type NewCall = {
  id: string;
  agent: AgentConfig;
  /** What was kept of its conversation, for a call that was elsewhere before. */
  saved?: SavedConversation;
};
