/** One stretch of the density measurement as figures, and what they say about how much a core carries. Pure. */
import type { VoiceStatistics } from '../../media/workers/voice-protocol.ts';
import type { CallersReport } from '../callers/messages.ts';
import { voidReasons } from '../callers/void-reasons.ts';
import { median, percentile } from '../percentiles.ts';
import type { Observed } from './density-target.ts';

/** What was read before and after a stretch. CPU times in ms. */
export type Reading = {
  cpu: { server: number; mediaWorkers: number; threads: Record<string, number> };
  statistics: VoiceStatistics | undefined;
};

export type Stretch = {
  calls: number;
  seconds: number;
  /** One-minute load average of the machine. */
  load: number;
  /** Of one core, in percent: all of the server, and of that the voice worker, the main thread, the media worker. */
  corePercent: { all: number; voiceThread: number; mainThread: number; mediaWorkers: number; callers: number };
  /** All of the server, for each call. */
  percentPerCall: number;
  /** From the packet that completed a window to its verdict; and from when that packet was due at the caller. */
  verdictMs: { p50: number; p99: number };
  dueToVerdictMs: { p50: number; p99: number };
  /** The agents' packets, when they left, after they were due. */
  playoutLatenessMs: { p50: number; p99: number; p999: number };
  /** The same packets at the callers, after the soonest of their call. */
  receivedLatenessMs: { p50: number; p99: number; p999: number };
  /** Of all packets of the agents: over 20 ms late at the callers, lost on the way, or left out after a stall. */
  lateShare: number;
  lost: number;
  skippedFrames: number;
  /** Callers' packets that the voice worker never got. */
  uplinkLost: number;
  wrongCall: number;
  outOfOrder: number;
  loopDelayP99Ms: number;
  collectionPercent: number;
  longestCollectionMs: number;
  windowsPerSecond: number;
  windowsPerRun: number;
  windowsSkipped: number;
  /** Part of the time in which callers, and agents, spoke. */
  speaking: { callers: number; agents: number };
  decisionToPacketMs: { count: number; p50: number; p99: number };
  /** Why it says nothing about the server; empty when it does. */
  voids: string[];
};

const FRAMES_PER_SECOND = 50;
/** Beyond either the core carries no more. */
export const LIMITS = { lateShare: 0.001, verdictP99Ms: 25 };

type Parts = {
  calls: number;
  load: number;
  before: Reading;
  after: Reading;
  observed: Observed;
  report: CallersReport;
};

export function stretchOf({ calls, load, before, after, observed, report }: Parts): Stretch {
  const { thread, density } = observed;
  const { seconds, received } = report;
  const grown = (field: Exclude<keyof VoiceStatistics, 'recent'>) =>
    (after.statistics?.[field] ?? 0) - (before.statistics?.[field] ?? 0);
  const { skippedFrames } = density;
  const missing = received.lost + skippedFrames;
  return {
    calls,
    seconds,
    load,
    ...cpuOf({ calls, before, after, report }),
    verdictMs: thread.queuedToVerdictMs,
    dueToVerdictMs: thread.dueToVerdictMs,
    playoutLatenessMs: density.playoutLatenessMs,
    receivedLatenessMs: report.receivedLatenessMs,
    lateShare: (received.late20Ms + missing) / Math.max(1, received.packets + missing),
    lost: received.lost,
    skippedFrames,
    uplinkLost: grown('packetsLost') + grown('kernelDrops'),
    wrongCall: received.wrongCall,
    outOfOrder: received.outOfOrder,
    loopDelayP99Ms: thread.loopDelayP99Ms,
    collectionPercent: thread.collections.totalMs / seconds / 10,
    longestCollectionMs: thread.collections.longestMs,
    windowsPerSecond: grown('windows') / seconds,
    windowsPerRun: grown('windows') / Math.max(1, grown('runs')),
    windowsSkipped: grown('windowsSkipped'),
    speaking: { callers: report.speakingShare, agents: received.voice / (calls * seconds * FRAMES_PER_SECOND) },
    decisionToPacketMs: density.decisionToPacketMs,
    voids: voidReasons(report),
  };
}

function cpuOf({ calls, before, after, report }: Pick<Parts, 'calls' | 'before' | 'after' | 'report'>) {
  const percent = (now: number, earlier: number) => (now - earlier) / report.seconds / 10;
  const threads = (matching: RegExp) =>
    Object.entries(after.cpu.threads)
      .filter(([name]) => matching.test(name))
      .reduce((sum, [name, ms]) => sum + percent(ms, before.cpu.threads[name] ?? 0), 0);
  const mediaWorkers = percent(after.cpu.mediaWorkers, before.cpu.mediaWorkers);
  const all = percent(after.cpu.server, before.cpu.server) + mediaWorkers;
  const callers = report.cpuMs / report.seconds / 10;
  const corePercent = {
    all,
    voiceThread: threads(/^voice-/),
    mainThread: threads(/^MainThread/),
    mediaWorkers,
    callers,
  };
  return { corePercent, percentPerCall: all / calls };
}

/** @returns why this is more than the core carries; nothing where it is not */
export function limitsPassed({ lateShare, dueToVerdictMs }: Pick<Stretch, 'lateShare' | 'dueToVerdictMs'>): string[] {
  const reasons: string[] = [];
  if (lateShare > LIMITS.lateShare) reasons.push(`${(lateShare * 100).toFixed(2)} % of the agents' packets are late`);
  if (dueToVerdictMs.p99 > LIMITS.verdictP99Ms) reasons.push(`verdicts take ${dueToVerdictMs.p99.toFixed(0)} ms (p99)`);
  return reasons;
}

/** Median and the extremes of what several stretches say. */
export type Middle = { median: number; least: number; most: number };

/** Void stretches do not count where there are others. */
export function middleOf(stretches: readonly Stretch[], value: (stretch: Stretch) => number): Middle {
  const valid = stretches.filter(({ voids }) => voids.length === 0);
  const values = (valid.length > 0 ? valid : stretches).map(value);
  return { median: median(values), least: percentile(values, 0), most: percentile(values, 1) };
}

/** Bytes for each call, as the memory grew from few calls to many: what is there without any does not count. */
export function bytesPerCall(few: { calls: number; bytes: number }, many: { calls: number; bytes: number }): number {
  return (many.bytes - few.bytes) / (many.calls - few.calls);
}
