import type { ParleyError } from './errors.ts';
import type {
  AgentState,
  ClientState,
  Decision,
  EndReason,
  MediaPlaybackState,
  MicrophoneDevice,
  MicrophoneState,
  MoveReason,
  Session,
  ShownText,
  TranscriptEntry,
  Turn,
} from './types.ts';

/** What `ParleyClient` tells; `client.on(name, listener)`. */
export type ParleyEvents = {
  stateChanged: { state: ClientState; previous: ClientState };
  /** The session was joined; `transcript` events with what was said before follow. */
  joined: { session: Session; epoch: number; resumed: boolean };
  transcript: TranscriptEntry;
  agentState: AgentState;
  userStartedSpeaking: { turnId: string; atMs: number };
  userStoppedSpeaking: { turnId: string; atMs: number };
  agentStartedSpeaking: { turnId?: string | undefined; atMs: number };
  agentStoppedSpeaking: { turnId?: string | undefined; atMs: number };
  /** The server took a turn of the caller as ended; with its measurements. */
  turn: Turn;
  /** Why the server did what it did. */
  decision: Decision;
  /** The agent shows the caller a text. */
  text: ShownText;
  microphoneChanged: { state: MicrophoneState; deviceId: string | undefined };
  /** Devices were plugged in or out. */
  microphonesChanged: { microphones: MicrophoneDevice[] };
  /** `blocked`: call `startAudio()` after a click. */
  playbackChanged: { state: MediaPlaybackState };
  /** The session waits for a place, and this many come first, itself included. */
  queued: { position: number };
  /** The server cannot take the session just now and is asked again, for 15 s, before `connect()` fails. */
  busy: { attempt: number; retryInMs: number };
  /** The call goes to other transports. With the reason `drain` nothing of it is interrupted meanwhile. */
  moving: { reason: MoveReason };
  /** It is there, so long after it was asked to. */
  moved: { reason: MoveReason; afterMs: number };
  /** No packet of the agent has arrived for so long; repeated each second. */
  audioLost: { forMs: number };
  audioBack: { afterMs: number };
  reconnecting: { attempt: number; retryInMs: number };
  /** Keep it where a reload can find it: it replaces the one before. */
  tokenRenewed: { token: string; expiresAt: number };
  error: ParleyError;
  /** The session is over, or this client's part in it. */
  ended: { reason: EndReason };
};
