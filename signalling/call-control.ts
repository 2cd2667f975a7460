/**
 * The port through which signalling steers live media. `server/` hands the gateway its implementation; nothing of
 * `media/` is known here.
 */
import type {
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
} from './protocol.ts';
import type { SessionRecord } from './session.ts';

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
  /** The call ended by itself: the agent hung up, or it could not be kept alive. */
  ended: (sessionId: string, reason: EndReason) => void;
};

export type JoinRequest = Pick<Request<'join'>, 'rtpCapabilities' | 'playback' | 'keep'>;

/** Either the media named by `keep` is still there, or here is new media. */
export type JoinedMedia = { kept: true } | { kept: false; media: MediaOptions };

/**
 * Steers the calls of this pod. Every method rejects with an error that has a `code` of `SignallingErrorCode`
 * (`session_not_found`, `unknown_transport`, `invalid_media_parameters`, `server_busy`); anything else is `internal`.
 * A call belongs to one session and is addressed by the session's id.
 */
export interface CallControl {
  readonly rtpCapabilities: RtpCapabilities;

  /** Opens the call on first use, or gives its client new transports and closes those of an earlier client. */
  join(session: SessionRecord, request: JoinRequest, signal: AbortSignal): Promise<JoinedMedia>;
  connectTransport(sessionId: string, transportId: string, dtlsParameters: DtlsParameters): Promise<void>;
  produce(sessionId: string, transportId: string, rtpParameters: RtpParameters): Promise<string>;
  consume(sessionId: string): Promise<ConsumerOptions>;
  restartIce(sessionId: string, transportId: string): Promise<IceParameters>;

  interrupt(sessionId: string): void;
  /** Typed text in place of speech. Returns the turn that it began. */
  say(sessionId: string, text: string): Promise<string>;
  mute(sessionId: string, muted: boolean): void;
  report(sessionId: string, report: Request<'report'>): void;

  /** The client's connection is gone; its media is kept for a grace period, then dropped. Idempotent. */
  clientGone(sessionId: string): void;
  /** Ends the call and frees everything it holds. Idempotent. */
  end(sessionId: string): Promise<void>;
  /** Milliseconds since the call was opened; 0 while there is none. */
  elapsedMs(sessionId: string): number;
}
