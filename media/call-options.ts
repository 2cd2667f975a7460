/** What a call is opened with, and whom it tells. */
import type { AgentConfig } from './agent/agent.ts';
import type { Absence } from './call-client.ts';
import type { CallEvent } from './conversation/call-events.ts';
import type { CallLinks } from './call-links.ts';
import type { Continuation, RestoredConversation } from './conversation/continuation.ts';
import type { ClientMediaOptions } from './sfu-client.ts';
import type { VoiceThread } from './workers/voice-thread.ts';
import type { CallSnapshot } from './workers/voice-protocol.ts';

export type MoveEvent = { name: 'move'; data: { reason: 'media-worker'; media: ClientMediaOptions } };

export type CallOptions = {
  id: string;
  agent: AgentConfig;
  /** What it goes on from; none: it is new. */
  restored: RestoredConversation | undefined;
  /** Another pod speaks in this session yet. */
  standby: boolean;
  agentSsrc: number;
  /** The workers that carry it. */
  voiceIndex: number;
  mediaIndex: number;
  links: CallLinks;
  /** The voice worker's thread, whichever serves in that place now. */
  thread: () => VoiceThread;
  /** How the call last stood in its voice worker. */
  snapshot: () => CallSnapshot | undefined;
  onEvent: (event: CallEvent | MoveEvent) => void;
  onFlowing: (flowing: boolean) => void;
  /** Resolves to whether it is kept. */
  onContinuation: (continuation: Continuation) => Promise<boolean>;
  absence: Absence;
  /** The client is gone, and nothing of it was heard for as long as `absence` says. */
  onIdle: () => void;
  /** The agent's limit for a conversation is reached. */
  onExpired: () => void;
  onNotice: (code: string, message: string) => void;
};
