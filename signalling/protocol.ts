/**
 * The signalling protocol: every message between a browser and the server, with its direction and its schema.
 *
 * Requests travel client → server and are acknowledged with `{ ok: true, … }` or `{ ok: false, error }`. Events travel
 * server → client; those of a session carry `epoch` and `seq`, so that a client that was away is sent what it missed.
 * All times named `…Ms` are milliseconds; `atMs` counts from the opening of the session's call.
 *
 * The gateway parses each inbound message once with these schemas. The browser SDK imports the types only.
 */
import { z } from 'zod';
import { dtlsParameters, rtpCapabilities, rtpParameters } from './rtc-schemas.ts';
import type { CallerNetwork } from './caller-network.ts';
import { toolAnswer } from './tool-messages.ts';
import type { ToolEvents, ToolUse } from './tool-messages.ts';

/** Version of this protocol; a client of another major version is refused with `unsupported_version`. */
export const PROTOCOL_VERSION = 1;

/** Longest typed text of one `say`, in characters: one spoken minute is about 900. */
export const MAX_SAY_CHARACTERS = 2000;

const id = z.string().min(1).max(128);
const count = z.number().int().nonnegative();
const join = z.object({
  protocol: z.number().int(),
  sdk: z.string().max(64),
  rtpCapabilities,
  /** Whether the page may play sound now. While not, the greeting waits for `report { playback: 'running' }`. */
  playback: z.enum(['running', 'blocked']),
  /** The last event that this client has seen, after a reconnection. */
  lastSeen: z.object({ epoch: count, seq: count }).optional(),
  /** Media that the client still holds; kept by the server where it is still there. */
  keep: z.object({ send: id, receive: id, consumer: id }).optional(),
  /** Whether the agent was heard through it since the connection was lost: its server lives then; `unsure`: too early to tell. */
  hearsAgent: z.enum(['yes', 'no', 'unsure']).optional(),
});

const report = z.object({
  /** `none`: there is no microphone, or the caller refused it. Typed text works all the same. */
  microphone: z.enum(['active', 'none']).optional(),
  /** Which transports `microphone` is about, where a client has two sets of them: the id of either one of the set. */
  transportId: id.optional(),
  playback: z.enum(['running', 'blocked']).optional(),
  /**
   * How long no packet of the agent has come. Set once after 0.5 s, when one at least is missing, then after each whole
   * second. Acknowledged as soon as the server has taken note; where the media is lost for good, `move` follows.
   */
  noPacketsForMs: count.optional(),
  statistics: z
    .object({
      roundTripMs: z.number().nonnegative().optional(),
      packetsLost: z.number().int().optional(),
      packetsReceived: count.optional(),
      jitterMs: z.number().nonnegative().optional(),
      concealedMs: z.number().nonnegative().optional(),
      /** From a packet's arrival to its sound: what the browser's jitter buffer and its way to the loudspeaker take. */
      playoutDelayMs: z.number().nonnegative().optional(),
    })
    .optional(),
});

/** What a client may ask; each is acknowledged. */
export const requestSchemas = {
  join,
  'connect-transport': z.object({ transportId: id, dtlsParameters }),
  produce: z.object({ transportId: id, rtpParameters }),
  consume: z.object({ participant: z.literal('agent') }),
  'restart-ice': z.object({ transportId: id }),
  interrupt: z.object({}),
  say: z.object({ text: z.string().trim().min(1).max(MAX_SAY_CHARACTERS) }),
  /** How a tool went that `tool-call` asked for. One that comes again, or that nobody waits for any more, changes nothing. */
  'tool-result': toolAnswer,
  mute: z.object({ muted: z.boolean() }),
  report,
  leave: z.object({}),
} as const;

export type RequestName = keyof typeof requestSchemas;
export type Request<Name extends RequestName> = z.infer<(typeof requestSchemas)[Name]>;
export type RtpCapabilities = z.infer<typeof rtpCapabilities>;
export type RtpParameters = z.infer<typeof rtpParameters>;
export type DtlsParameters = z.infer<typeof dtlsParameters>;

/** ICE parameters and candidates as mediasoup gives them, passed through to mediasoup-client. */
export type IceParameters = { usernameFragment: string; password: string; iceLite?: boolean };
export type IceCandidate = {
  foundation: string;
  priority: number;
  ip: string;
  address: string;
  protocol: 'udp' | 'tcp';
  port: number;
  type: 'host' | 'srflx' | 'prflx' | 'relay';
  tcpType?: 'passive';
};
export type IceServer = { urls: string | string[]; username?: string; credential?: string };

/** What a browser needs to make one side of its connection. */
export type TransportOptions = {
  id: string;
  iceParameters: IceParameters;
  iceCandidates: IceCandidate[];
  dtlsParameters: DtlsParameters;
};

/** What a browser needs to hear the agent. */
export type ConsumerOptions = { id: string; producerId: string; kind: 'audio'; rtpParameters: RtpParameters };

/** Both transports and the agent's consumer: everything that a call's media needs. */
export type MediaOptions = { send: TransportOptions; receive: TransportOptions; consumer: ConsumerOptions };

export type SessionState = 'queued' | 'ready' | 'live' | 'interrupted' | 'ended';

export type EndReason = 'left' | 'deleted' | 'expired' | 'idle' | 'agent' | 'failed' | 'shutdown';

/** One line of the conversation. `final: false` may be replaced by a later one of the same turn and role. */
export type TranscriptEntry = {
  turnId: string;
  role: 'user' | 'agent';
  text: string;
  final: boolean;
  startMs: number;
  endMs: number;
  /** Of an agent's line that was cut off: where it ends is a guess, for want of times of words or of a client's report. */
  estimated?: true;
  /** Of an agent's line that answers a spoken turn: how the turn went, as far as it is known. */
  timings?: TurnTimings;
  /** Of a final line: what was decided since the one before, and the tools that were run. */
  decisions?: readonly Decision[];
  tools?: readonly ToolUse[];
};

/** When each step of a turn happened, in ms from the start of the session; what did not happen is missing. */
export type TurnTimings = {
  endOfSpeechMs: number;
  /** The last words known when the turn ended. */
  transcriptMs?: number;
  endpointMs: number;
  /** Of a language model. */
  firstTokenMs?: number;
  firstAudioMs?: number;
  /** It left the server. */
  firstPacketMs?: number;
  /** It was heard: by the client's report, half a round trip and the playout delay after it had left. */
  heardMs?: number;
};

export type SessionView = {
  id: string;
  agent: string;
  state: SessionState;
  /** Unix time in milliseconds. */
  createdAt: number;
  /** Milliseconds since the session's call was opened; 0 before. Lets a page place earlier entries. */
  elapsedMs: number;
  /** Name of the pod that has the session's media. */
  pod: string;
};

/** `pod`: the owner died or was cut off. `drain`: the owner goes, and both work until the other one has taken over. */
export type MoveReason = 'media-worker' | 'pod' | 'drain' | 'placed';

export type { CallerNetwork };

/** Answers of the requests that carry something beside `ok`. */
export type Answers = {
  join: {
    session: SessionView;
    epoch: number;
    /** The conversation so far, for a page that was reloaded, and for what an owner that died had not delivered. */
    transcript: TranscriptEntry[];
    /** `true`: the media named by `keep` goes on and `media` is absent. */
    kept: boolean;
    /**
     * The session waits for a place, at this position from 1: `kept` is false and `media` absent. `queued` follows as the
     * position changes, and `move` with the reason `placed` when there is a place.
     */
    queued?: number;
    media?: MediaOptions;
  };
  'connect-transport': object;
  produce: { producerId: string };
  consume: { consumer: ConsumerOptions };
  'restart-ice': { iceParameters: IceParameters };
  interrupt: object;
  say: { turnId: string };
  'tool-result': object;
  mute: object;
  /** `caller` answers `statistics`. */
  report: { caller?: CallerNetwork };
  leave: object;
};

/** Codes of refused requests. Stable: clients decide by them. */
export type SignallingErrorCode =
  | 'invalid_message'
  | 'unknown_event'
  | 'message_too_large'
  | 'unsupported_version'
  | 'unauthorized'
  | 'session_not_found'
  | 'session_ended'
  | 'not_joined'
  | 'already_joined'
  | 'unknown_transport'
  | 'invalid_media_parameters'
  | 'too_many_requests'
  | 'server_busy'
  | 'superseded'
  | 'internal';

export type SignallingError = { code: SignallingErrorCode; message: string };
export type Ack<Name extends RequestName> = ({ ok: true } & Answers[Name]) | { ok: false; error: SignallingError };

/** The agent: waiting for the caller, preparing a reply, or being heard. */
export type AgentActivity = 'listening' | 'thinking' | 'speaking';
/** What the caller's speech does to the agent's voice: full, 15 dB quieter, or silent until decided. */
export type AgentOutput = 'normal' | 'ducked' | 'paused';

/**
 * Why the agent did what it did: `endpoint`, `hold`, `release`, `duck`, `unduck`, `pause`, `resume`, `interrupt`, `veto`,
 * `ignore`, `speculate`, `use`, `discard`, `failover`, `bridge`, `restart`, `apologise`, `summarise`, `idle`,
 * `limit`; more may come.
 */
export type Decision = {
  decision: string;
  /** One word or two: what brought it about. */
  reason: string;
  /** What it rested on; times in ms. Never what was said. */
  inputs: Readonly<Record<string, string | number | boolean>>;
  /** The turn that it is about, where there is one. */
  turnId?: string;
  atMs: number;
};

/** Payloads of a session's events; on the wire each also carries `Sequenced`. */
export type SessionEvents = ToolEvents & {
  'agent-state': {
    state: AgentActivity;
    output: AgentOutput;
    /** The turn being answered; absent while listening. */
    turnId?: string;
    /** Set on the change to `listening` when the caller cut in: ms from the caller's onset to silence. */
    interruptedAfterMs?: number;
    atMs: number;
  };
  speech: { speaking: boolean; turnId: string; atMs: number };
  /** A user turn was taken as ended. Delays count from the caller's last speech frame. */
  turn: {
    turnId: string;
    startMs: number;
    speechMs: number;
    endOfSpeechMs: number;
    endpointingMs: number;
    atMs: number;
  };
  transcript: TranscriptEntry;
  /** What the server decided about turns, voice and providers, and why. */
  decision: Decision;
  /**
   * New transports. With the reason `drain` it still has the epoch of the old owner: connect the new ones and send the
   * microphone on both, but play the old until the first event of a higher epoch. Otherwise connect there and drop the old;
   * those of a lower epoch are closed before the new ones are played.
   */
  move: {
    reason: MoveReason;
    media: MediaOptions;
    /** Where the new ones are. */
    pod?: string;
    /** The conversation so far, where an owner was lost: some of it may never have been delivered. */
    transcript?: TranscriptEntry[];
  };
  /** From 1. */
  queued: { position: number };
  ended: { reason: EndReason };
  problem: { code: string; message: string };
};
export type SessionEventName = keyof SessionEvents;
export type Sequenced = { epoch: number; seq: number };

/** Everything that a server sends. */
export type ServerEvents = { [Name in SessionEventName]: (event: SessionEvents[Name] & Sequenced) => void } & {
  hello: (event: Hello) => void;
  token: (event: { token: string; /** Unix time in milliseconds. */ expiresAt: number }) => void;
};

/** Sent at once on connection, so that `join` can already carry what the browser can do. */
export type Hello = {
  protocol: number;
  version: string;
  rtpCapabilities: RtpCapabilities;
  iceServers: IceServer[];
  /** Name of the pod that serves this connection, which need not be the one that has the media. */
  pod?: string;
};

/** Everything that a client sends, as Socket.IO types it. */
export type ClientEvents = {
  [Name in RequestName]: (request: Request<Name>, acknowledge: (ack: Ack<Name>) => void) => void;
};
