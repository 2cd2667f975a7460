/** The messages between the main thread and a voice worker. Control only: audio never crosses threads this way. */
import type { AgentConfig } from '../agent/agent.ts';
import type { CallEvent } from '../conversation/call-events.ts';
import type { CallerNetwork } from '../rtp/caller-network.ts';
import type { ConversationSnapshot, EndedBy } from '../conversation/conversation-events.ts';
import type { NativeMarks } from '../runtime/native-calls.ts';
import type { PlayoutRateHz } from '../audio/opus.ts';
import type { RecentLoad } from './overload.ts';
import type { PlayoutSnapshot } from '../speech/playout-clock.ts';
import type { DefaultNames } from '../providers/agent-stages.ts';
import type { Message } from '../providers/provider.ts';
import type { ClientPresence, ClientToolAnswer } from '../tools/client-tools.ts';
import type { ToolRecord } from '../tools/tool-ledger.ts';
import type { VendorAccess } from '../providers/vendor-access.ts';

/** What a voice worker is started with. */
export type VoiceWorkerData = {
  /** Where it marks that it must not be cut off; its thread brings it. */
  nativeMarks?: NativeMarks;
  /** Its place in the pool. Absent: it is a spare one, which `serve` gives a place. */
  index?: number;
  /** A heartbeat with the snapshots of all calls leaves every so often. */
  heartbeatMs: number;
  rateHz: PlayoutRateHz;
  sileroPath: string;
  /** Journals of calls go here; without it there are none. */
  journalFolder?: string;
  /** flite, compiled once for the process. */
  flite: WebAssembly.Module;
  /** Vendors' keys: never logged, never sent back. Absent: there are none. */
  vendors?: VendorAccess;
  /** Providers of agents that name none. */
  models?: DefaultNames;
  /** In shared memory, one number: how many voice workers share the vendors' keys, in all pods that live now. */
  sharers?: Int32Array;
};

/** What another voice worker needs to go on with a call. */
export type CallSnapshot = { playout: PlayoutSnapshot; conversation: ConversationSnapshot };

/** One call in a heartbeat. */
export type CallBeat = { callId: string; snapshot: CallSnapshot; network: CallerNetwork };

export type OpenCall = {
  callId: string;
  linkId: number;
  agent: AgentConfig;
  /** SSRC and payload type of what the agent sends. */
  agentSsrc: number;
  payloadType: number;
  /** Start of the session on the monotonic clock, which all threads share. */
  startedAtMs: number;
  history: Message[];
  /** What was done with tools. Absent: nothing. */
  tools?: ToolRecord;
  /** How the conversation stood elsewhere; and the packets, where the client stays with this SSRC. */
  restore?: { conversation: ConversationSnapshot; playout?: PlayoutSnapshot };
  /** Another pod speaks in this session yet: listens only, until `take-over`. */
  standby?: boolean;
};

/** How a call that stood by goes on. */
export type TakeOver = {
  conversation: ConversationSnapshot;
  history: Message[];
  /** Absent: what this call knows of tools is what there is to know. */
  tools?: ToolRecord;
  /** Start of the session, as in `OpenCall`. */
  startedAtMs: number;
};

export type ToVoiceWorker =
  /** A spare worker takes this place of the pool; calls follow. */
  | { type: 'serve'; index: number }
  /** Answered by `link-opened` with the port, which is `port` where that is not 0. */
  | { type: 'open-link'; linkId: number; port: number }
  | { type: 'connect-link'; linkId: number; remotePort: number }
  | { type: 'close-link'; linkId: number }
  | { type: 'open-call'; call: OpenCall }
  | { type: 'move-call'; callId: string; linkId: number }
  /** The caller's packets come with this SSRC from now on; none: there is no microphone. */
  | { type: 'caller-ssrc'; callId: string; ssrc: number | undefined }
  | { type: 'client-ready'; callId: string }
  | { type: 'client-gone'; callId: string }
  /** From a packet's leaving to its sound at the client, in ms. */
  | { type: 'client-hears'; callId: string; afterMs: number }
  | { type: 'say'; callId: string; requestId: number; text: string }
  | { type: 'interrupt'; callId: string }
  | { type: 'mute'; callId: string; muted: boolean }
  /** Whether the caller's page is connected. */
  | { type: 'client-present'; callId: string; presence: ClientPresence }
  /** The caller's page has run a tool. */
  | { type: 'tool-result'; callId: string; answer: ClientToolAnswer }
  /** Answers `tools`. */
  | { type: 'tools-kept'; callId: string; requestId: number; kept: boolean }
  /** What became of tools that ran on in the pod that spoke before. */
  | { type: 'tools-learnt'; callId: string; record: ToolRecord }
  /** Answered by `handed-over` when the voice has stopped for good. */
  | { type: 'hand-over'; callId: string; requestId: number; withinMs: number }
  | { type: 'take-over'; callId: string; order: TakeOver }
  | { type: 'resume'; callId: string }
  | { type: 'close-call'; callId: string }
  | { type: 'measure'; requestId: number }
  | { type: 'close' };

export type FromVoiceWorker =
  | { type: 'ready' }
  | { type: 'link-opened'; linkId: number; port: number }
  | { type: 'link-connected'; linkId: number }
  | { type: 'link-failed'; linkId: number; reason: string }
  | { type: 'event'; callId: string; event: CallEvent }
  /** How the call stands, at each change between listening, thinking and speaking; heartbeats bring the rest. */
  | { type: 'snapshot'; callId: string; snapshot: CallSnapshot }
  /** What was done with tools, whenever one begins that must not run twice, and when one ends. */
  | { type: 'tools'; callId: string; requestId: number; record: ToolRecord }
  | { type: 'said'; requestId: number; turnId: string }
  | { type: 'handed-over'; requestId: number; conversation: ConversationSnapshot }
  | { type: 'heartbeat'; snapshots: CallBeat[]; statistics: VoiceStatistics }
  | { type: 'measured'; requestId: number; statistics: VoiceStatistics }
  /** The call is over: all of its last words have been sent. */
  | { type: 'call-ended'; callId: string; reason: EndedBy }
  /** Something failed inside a call; it goes on. `code` says what, never what was said. */
  | { type: 'fault'; callId?: string; code: string; message: string };

/** Since the worker's start; `calls`, `heapBytes` and `receiveBufferBytes` are those of now, `recent` is of the last second. */
export type VoiceStatistics = {
  calls: number;
  packetsReceived: number;
  packetsLost: number;
  /** Packets of callers that came in time, so late that they were sent again. */
  packetsRecovered: number;
  /** Sound of callers that was made up for lost packets, in ms; and time for which what came waited for them. */
  concealedMs: number;
  waitedMs: number;
  packetsSent: number;
  /** Packets of strangers, without a call, or no RTP. */
  packetsRejected: number;
  /** Packets that left more than 5 ms, and more than 20 ms, after their time. */
  late5Ms: number;
  late20Ms: number;
  skippedFrames: number;
  kernelDrops: number;
  receiveBufferBytes: number;
  windows: number;
  runs: number;
  /** Windows that were not judged, because verdicts came too late. */
  windowsSkipped: number;
  /** From the packet that completes a window to its verdict, in ms. */
  verdictP50Ms: number;
  verdictP99Ms: number;
  latenessP999Ms: number;
  heapBytes: number;
  recent: RecentLoad;
  /** Replies begun before the end of the caller's turn. */
  speculationsBegun: number;
  speculationsUsed: number;
  speculationsDiscarded: number;
};
