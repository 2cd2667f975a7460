/**
 * The port through which signalling steers live media. `server/` hands the gateway its implementation; nothing of
 * `media/` is known here.
 */
import type {
  CallerNetwork,
  ConsumerOptions,
  DtlsParameters,
  IceParameters,
  MediaOptions,
  Request,
  RtpCapabilities,
  RtpParameters,
  SessionEventName,
  SessionEvents,
  EndReason,
  TranscriptEntry,
} from './protocol.ts';
import type { Continuation } from './session-store.ts';
import type { SessionRecord } from './session.ts';
import type { ToolAnswer } from './tool-messages.ts';

/** One thing that happened in a call, on its way to the client. */
export type CallEvent = {
  [Name in SessionEventName]: { name: Name; data: SessionEvents[Name] };
}[SessionEventName];

/** What the media side tells of a call. */
export type CallObserver = {
  /** In order, each exactly once. */
  event: (sessionId: string, event: CallEvent) => void;
  /** The caller's media began to flow (`true`), or went away (`false`). */
  flowing: (sessionId: string, flowing: boolean) => void;
  /**
   * How the conversation stands, whenever that changes, and at least once a second while the agent speaks. Resolves to
   * whether it is kept where another pod would find it: in memory alone while the shared store is away.
   */
  continuation: (sessionId: string, continuation: Continuation) => Promise<boolean>;
  /** The call ended by itself: the agent hung up, or it could not be kept alive. */
  ended: (sessionId: string, reason: EndReason) => void;
};

export type JoinRequest = Pick<Request<'join'>, 'rtpCapabilities' | 'playback' | 'keep'> & {
  /** The page knows nothing of the session: it was loaded anew, and what it was asked for before is lost. */
  anew?: true;
};

/** What was said before, elsewhere or earlier, for a call that has to go on with it. */
export type Restored = { transcript: readonly TranscriptEntry[]; continuation?: Continuation };

export type HandedOver = Restored & { toolsRun?: boolean };

/**
 * Of the caller's media: `flowing`, it arrives; `lost`, the caller had media here and nothing of it arrives any more;
 * `none`, there is none here.
 */
export type MediaState = 'flowing' | 'lost' | 'none';

/** What a pod is told of the client before that client knows of it. */
export type StandbyRequest = Pick<Request<'join'>, 'rtpCapabilities' | 'playback'> & { microphone: boolean };

/** Either the media named by `keep` is still there, or here is new media. */
export type JoinedMedia = { kept: true } | { kept: false; media: MediaOptions };

/**
 * Steers the calls of this pod. Every method rejects with an error that has a `code` of `SignallingErrorCode`
 * (`session_not_found`, `unknown_transport`, `invalid_media_parameters`, `server_busy`); anything else is `internal`.
 * A call belongs to one session and is addressed by the session's id.
 */
export interface CallControl {
  readonly rtpCapabilities: RtpCapabilities;

  /**
   * Opens the call on first use, going on with what was restored, or gives its client new transports and closes those of
   * an earlier client.
   */
  join(session: SessionRecord, request: JoinRequest, signal: AbortSignal, restored?: Restored): Promise<JoinedMedia>;
  connectTransport(sessionId: string, transportId: string, dtlsParameters: DtlsParameters): Promise<void>;
  produce(sessionId: string, transportId: string, rtpParameters: RtpParameters): Promise<string>;
  consume(sessionId: string): Promise<ConsumerOptions>;
  restartIce(sessionId: string, transportId: string): Promise<IceParameters>;

  interrupt(sessionId: string): void;
  /** Typed text in place of speech. Returns the turn that it began. */
  say(sessionId: string, text: string): Promise<string>;
  /** The client has run a tool. One for which nobody waits any more changes nothing. */
  toolResult(sessionId: string, answer: ToolAnswer): void;
  mute(sessionId: string, muted: boolean): void;
  /** @returns how the caller's packets come; undefined before that is known */
  report(sessionId: string, report: Request<'report'>): CallerNetwork | undefined;

  /** Looks whether anything of the caller arrives; takes up to a second where it is not plain at once. */
  mediaState(sessionId: string, signal: AbortSignal): Promise<MediaState>;

  /**
   * Opens the call here while another pod still leads it: with media for the client, hearing the caller, and silent until
   * `takeOver`. `end` undoes it.
   */
  standBy(
    session: SessionRecord,
    request: StandbyRequest,
    restored: Restored,
    signal: AbortSignal,
  ): Promise<MediaOptions>;
  /** Resolves once the media of `standBy` stands in both directions (one, where there is no microphone). */
  standsBy(sessionId: string, signal: AbortSignal): Promise<void>;
  /**
   * Stops the agent's voice for good at a frame, at the first moment at which neither side speaks, and at the latest after
   * `withinMs`. Resolves to how the conversation stands then, and whether a tool still runs: its outcome is told by a later
   * continuation. The media stays until `end`.
   */
  handOver(sessionId: string, withinMs: number, signal: AbortSignal): Promise<HandedOver>;
  /**
   * A call that stood by leads from now on: it goes on speaking where the other one stopped. One that leads learns of tools that
   * ran on in the pod that led before.
   */
  takeOver(sessionId: string, restored: Restored): void;
  /** Undoes `handOver`: this pod leads again, since the other one could not. */
  resume(sessionId: string): void;

  /** The client's connection is gone; its media is kept for a grace period, then dropped. Idempotent. */
  clientGone(sessionId: string): void;
  /** Ends the call and frees everything it holds. Idempotent. */
  end(sessionId: string): Promise<void>;
  /** Milliseconds since the call was opened; 0 while there is none. */
  elapsedMs(sessionId: string): number;
}
