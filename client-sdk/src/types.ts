/**
 * The shapes that applications see. They are written out here, and not taken from the server's protocol, so that the
 * packed types stand alone; `protocol-agreement.ts` fails the type check when the two drift apart.
 *
 * Times named `…Ms` are milliseconds. `atMs`, `startMs` and `endMs` count from the start of the session's media.
 */

/**
 * `queued`: the server is full, and the session waits for a place. `moving`: the call goes to new transports while it goes
 * on. `reconnecting`: the signalling connection was lost, and what is heard and said goes on as long as the network lets
 * it; or nothing of the agent has arrived for a second.
 */
export type ClientState = 'connecting' | 'queued' | 'connected' | 'reconnecting' | 'moving' | 'disconnected';

/** `listening` for the caller, `thinking` of a reply, or `speaking`. */
export type AgentActivity = 'listening' | 'thinking' | 'speaking';
/** What the caller's speech does to the agent's voice: full, 15 dB quieter, or silent until it is decided. */
export type AgentOutput = 'normal' | 'ducked' | 'paused';

export type AgentState = {
  state: AgentActivity;
  output: AgentOutput;
  /** The turn that is answered; absent while listening. */
  turnId?: string | undefined;
  /** Set when the caller cut in: ms from the beginning of the caller's speech to silence. */
  interruptedAfterMs?: number | undefined;
  atMs: number;
};

/** One line of the conversation. `final: false` may be replaced by a later one of the same turn and role. */
export type TranscriptEntry = {
  turnId: string;
  role: 'user' | 'agent';
  text: string;
  final: boolean;
  startMs: number;
  endMs: number;
  /** Of an agent's line that was cut off: where it ends is a guess. */
  estimated?: true;
  /** Of an agent's line that answers a spoken turn: how the turn went, as far as it is known. */
  timings?: TurnTimings;
  /** Of a final line: what was decided since the one before. */
  decisions?: readonly Decision[];
  /** Of a final line: the tools that were run since the one before. */
  tools?: readonly ToolUse[];
};

/** A text that the agent shows, for what is read more easily than heard. */
export type ShownText = { turnId: string; text: string; atMs: number };

/** A tool that the agent has used. */
export type ToolUse = {
  callId: string;
  turnId: string;
  name: string;
  kind: 'http' | 'client' | 'code' | 'built-in';
  startedMs: number;
  endedMs: number;
  /** Why there is no result. */
  error?: string;
  /** Of `send_text`: what was shown. Those of other tools are for the server's API alone. */
  arguments?: unknown;
  result?: unknown;
};

/** Beside a tool's arguments. */
export type ToolContext = {
  /** Aborts when nobody waits for the result any more: its time is over, the caller has cut in, or the call has ended. */
  signal: AbortSignal;
  /** Names this call of the tool. */
  callId: string;
  turnId: string;
};

/**
 * What the page does for the agent. Its result is told to the language model, as JSON of at most 16,384 characters; an
 * error's message is, too.
 */
export type ToolHandler<Arguments extends object = Record<string, unknown>, Result = unknown> = (
  args: Arguments,
  context: ToolContext,
) => Result | Promise<Result>;

/** When each step of a turn happened, in ms from the start of the session; what did not happen is missing. */
export type TurnTimings = {
  /** The caller's last sound. */
  endOfSpeechMs: number;
  /** The last words known when the turn ended. */
  transcriptMs?: number;
  /** The turn was taken as ended. */
  endpointMs: number;
  /** Of a language model. */
  firstTokenMs?: number;
  firstAudioMs?: number;
  /** It left the server. */
  firstPacketMs?: number;
  /** It was heard: half a round trip and this browser's playout delay later, as last reported. */
  heardMs?: number;
};

/** A user's turn as the server measured it. Delays count from the last frame of speech. */
export type Turn = {
  turnId: string;
  startMs: number;
  /** How much of the turn was speech. */
  speechMs: number;
  endOfSpeechMs: number;
  /** How long the server waited before it took the turn as ended. */
  endpointingMs: number;
  atMs: number;
};

/** What the server decided about turns, voice and providers, and why; its README lists the decisions. */
export type Decision = {
  decision: string;
  reason: string;
  /** What it rested on; times in ms. */
  inputs: Readonly<Record<string, string | number | boolean>>;
  turnId?: string;
  atMs: number;
};

export type SessionState = 'queued' | 'ready' | 'live' | 'interrupted' | 'ended';
export type EndReason = 'left' | 'deleted' | 'expired' | 'idle' | 'agent' | 'failed' | 'shutdown';

export type Session = {
  id: string;
  agent: string;
  state: SessionState;
  /** Unix time in milliseconds. */
  createdAt: number;
  /** Milliseconds since the session's call was opened; 0 before. */
  elapsedMs: number;
  /** Name of the server process that has the session's media. */
  pod: string;
};

/**
 * Why a call goes to other transports. `media-worker`: a part of the server was replaced. `pod`: its server died or was
 * cut off. `drain`: its server is about to go. `placed`: it had waited in the queue.
 */
export type MoveReason = 'media-worker' | 'pod' | 'drain' | 'placed';

/**
 * `requesting`: the browser asks the person for permission. `none`: there is no microphone, or it was refused; typed
 * text works all the same.
 */
export type MicrophoneState = 'requesting' | 'active' | 'muted' | 'none';

/** A microphone to choose; the label is empty until permission was given. */
export type MicrophoneDevice = { deviceId: string; label: string };

/** Whether the browser plays sound, or waits for a click. */
export type MediaPlaybackState = 'running' | 'blocked';

/** Milliseconds from `connect()` to each step; a step that was not reached is absent. */
export type ConnectTimings = {
  /** The token was there. */
  tokenMs?: number;
  /** The server's `hello` had arrived. */
  helloMs?: number;
  /** `join` was acknowledged. */
  joinedMs?: number;
  /** The browser gave the microphone, or refused it. */
  microphoneMs?: number;
  /** The server had accepted the microphone's track. */
  producedMs?: number;
  /** The connection that carries the agent's voice was up (ICE and DTLS). */
  receiveConnectedMs?: number;
  /** The connection that carries the caller's voice was up. */
  sendConnectedMs?: number;
  /** `connect()` was done. */
  connectedMs?: number;
  /** The agent's first packet was played out. */
  firstPacketMs?: number;
  /** The agent could first be heard. */
  firstAudioMs?: number;
};

/** A figure that the browser does not give, or not yet, is absent. */
export type Statistics = {
  roundTripMs?: number;
  packetsReceived?: number;
  packetsSent?: number;
  /** Packets of the agent that never arrived. */
  packetsLost?: number;
  jitterMs?: number;
  /** Speech that the browser had to invent for packets that came too late or never, since the connection began. */
  concealedMs?: number;
  /** How long the browser holds packets back so as to play them evenly, on average. */
  bufferMs?: number;
  /** From a packet's arrival to its sound, lately: that buffer, and the way to the loudspeaker. */
  playoutDelayMs?: number;
  /** Packets that the server was asked to send again. */
  retransmissionsAsked?: number;
  /** Packets that were sent again because the server missed them. */
  retransmissionsSent?: number;
  /** How the caller's packets reach the server, as it said within the last 5 s. */
  atServer?: CallerNetwork;
  /** `udp` or `tcp`. */
  protocol?: string;
  /** Fencing number of the session's owner; it rises whenever another server takes the session over. */
  epoch: number;
  /** Name of the server process that has the session's media; it is known once the session was joined. */
  pod?: string;
  /** How often the call was moved to other transports. */
  moves: number;
  connecting: ConnectTimings;
};

/** How the caller's packets reach the server. */
export type CallerNetwork = {
  packetsReceived: number;
  /** Never came, or too late. */
  packetsLost: number;
  /** Of what was missing, what was sent again and came in time. */
  packetsRecovered: number;
  /** Came after the server had gone on without them. */
  packetsLate: number;
  jitterMs: number;
  /** How long the server waits for a missing packet at present: 20 to 120 ms, by what has come so far. */
  waitMs: number;
  /** For how long it has waited, of all gaps together. */
  waitedMs: number;
  /** Sound that the server made up for what was lost. */
  concealedMs: number;
};

/** How the caller's voice is captured. */
export type MicrophoneOptions = {
  /** Default: the system's default microphone. */
  deviceId?: string;
  /** Default: true. Without it an agent on loudspeakers hears itself. */
  echoCancellation?: boolean;
  /** Default: true. */
  noiseSuppression?: boolean;
  /** Default: true. */
  autoGainControl?: boolean;
};
