/** What the process of the callers is told, and what it tells. Plain data. */
import type { ReceivedCounts } from './received-packets.ts';
import type { Pattern } from './talk-pattern.ts';

export type Arrivals = {
  /** Where the server is, with its scheme. */
  url: string;
  /** API key, where the server wants one. */
  apiKey?: string;
  /** What a session is opened with, as in `POST /v2/sessions`. */
  session?: Record<string, unknown>;
  pattern: Pattern;
  /** How many callers come, and how many each second: each at its time, whatever became of those before (open loop). */
  calls: number;
  perSecond: number;
  /** Each hangs up this long after it heard the agent's first packet; absent: stays until told. */
  stayMs?: number;
  /** Seed of who says what when. Default 1. */
  seed?: number;
};

export type ToCallers =
  | ({ type: 'arrive' } & Arrivals)
  /** Those that have not come yet do not come. */
  | { type: 'turn-away' }
  /** The callers that came first hang up, so many each second. */
  | { type: 'leave'; calls: number; perSecond: number }
  | { type: 'report'; id: number }
  | { type: 'stop' };

/** How one arrival went. Times in ms from the click, missing where it did not get so far. */
export type Arrival = {
  /** On the monotonic clock that all processes of the machine share. */
  clickedMs: number;
  /** `busy`: refused for lack of room. `queued`: told to wait. `failed`: anything else. */
  outcome: 'connecting' | 'connected' | 'busy' | 'queued' | 'failed';
  /** Why it failed. */
  reason?: string;
  /** The server's answer to the request for a session. */
  answeredMs?: number;
  helloMs?: number;
  joinedMs?: number;
  /** Both transports stand. */
  connectedMs?: number;
  firstPacketMs?: number;
  firstVoiceMs?: number;
};

/** A spread in ms. */
export type Spread = { count: number; p50: number; p99: number; p999: number; max: number };

/** Since the report before. */
export type CallersReport = {
  seconds: number;
  /** Callers with media, at the end. */
  live: number;
  /** Whose media or signalling was lost without having been asked to go. */
  dropped: number;
  /** Sent packets, and how late they left after they were due. */
  sent: { packets: number; latenessMs: Spread };
  /** Packets that were not sent, because this process had stood still when they were due. */
  unsent: number;
  received: ReceivedCounts;
  /** Of packets of voice and of silence, from the soonest of their call. */
  receivedLatenessMs: Spread;
  /** How often each event came. */
  events: Record<string, number>;
  turns: number;
  /** Frames of speech sent, of all frames of all callers with media. */
  speakingShare: number;
  /** Callers that came, and those that heard something for the first time. */
  arrivals: Arrival[];
  /** CPU time of this process in ms. */
  cpuMs: number;
};

export type FromCallers = { type: 'ready' } | { type: 'report'; id: number; report: CallersReport };
