/** One stretch of time of the voice measurement as figures, and whether they mean anything. */
import type { VoiceStatistics } from '../media/workers/voice-protocol.ts';
import { median } from './percentiles.ts';
import type { FromGenerator } from './rtp-generator.ts';
import type { Cell } from './table.ts';
import type { Observations } from './voice-observations.ts';

/** What was read at the end of a stretch, and counted over it. */
export type Stretch = {
  calls: number;
  seconds: number;
  /** CPU time in ms; the server's process includes its voice worker's thread. */
  cpuMs: { server: number; voiceThread: number; mediaWorker: number; generator: number };
  before: VoiceStatistics;
  after: VoiceStatistics;
  observed: Observations;
  generator: FromGenerator;
  /** Packets that the kernel dropped before the media worker read them. */
  mediaWorkerDrops: number;
};

export type VoiceFigures = {
  /** Per call, in percent of one core. */
  cpuPercent: { voiceThread: number; restOfServer: number; mediaWorker: number };
  /** All calls together, in percent of one core. */
  coresPercent: { voiceThread: number; mediaWorker: number; generator: number };
  verdictMs: { p50: number; p99: number; max: number };
  dueToVerdictMs: { p50: number; p99: number; max: number };
  transitMs: { p50: number; p99: number; max: number };
  loopDelayP99Ms: number;
  garbageCollection: { percent: number; longestMs: number };
  playout: { sent: number; late5Ms: number; late20Ms: number; skipped: number };
  packets: { sent: number; received: number; lost: number; kernelDrops: number };
  windowsPerRun: number;
  generatorLateP99Ms: number;
  /** Why the stretch says nothing about the voice worker; empty when it does. */
  faults: string[];
};

/** A generator later than this has made the delays that it is to measure. */
const MAX_GENERATOR_LATE_MS = 5;
/** Of the packets that were due. */
const MIN_SENT = 0.995;
const PACKETS_PER_SECOND = 50;

export function figuresOf(stretch: Stretch): VoiceFigures {
  const { before, after, observed, generator, mediaWorkerDrops } = stretch;
  const { collections } = observed;
  const grown = (field: Exclude<keyof VoiceStatistics, 'recent'>) => after[field] - before[field];
  return {
    ...cpuFigures(stretch),
    verdictMs: observed.queuedToVerdictMs,
    dueToVerdictMs: observed.dueToVerdictMs,
    transitMs: observed.transitMs,
    loopDelayP99Ms: observed.loopDelayP99Ms,
    garbageCollection: {
      percent: collections.totalMs / stretch.seconds / 10,
      longestMs: collections.longestMs,
    },
    playout: {
      sent: grown('packetsSent'),
      late5Ms: grown('late5Ms'),
      late20Ms: grown('late20Ms'),
      skipped: grown('skippedFrames'),
    },
    packets: {
      sent: generator.sent,
      received: grown('packetsReceived'),
      lost: grown('packetsLost'),
      kernelDrops: grown('kernelDrops') + mediaWorkerDrops,
    },
    windowsPerRun: grown('windows') / grown('runs'),
    generatorLateP99Ms: generator.lateP99Ms,
    faults: faultsOf(stretch),
  };
}

function cpuFigures({ calls, seconds, cpuMs }: Stretch): Pick<VoiceFigures, 'cpuPercent' | 'coresPercent'> {
  const percent = (ms: number) => ms / seconds / 10;
  return {
    cpuPercent: {
      voiceThread: percent(cpuMs.voiceThread) / calls,
      restOfServer: percent(cpuMs.server - cpuMs.voiceThread) / calls,
      mediaWorker: percent(cpuMs.mediaWorker) / calls,
    },
    coresPercent: {
      voiceThread: percent(cpuMs.voiceThread),
      mediaWorker: percent(cpuMs.mediaWorker),
      generator: percent(cpuMs.generator),
    },
  };
}

/** What makes a stretch void: then the sender, not the server, was measured. */
export function faultsOf({ calls, seconds, generator }: Pick<Stretch, 'calls' | 'seconds' | 'generator'>): string[] {
  const { sent, failed, lateP99Ms } = generator;
  const due = calls * seconds * PACKETS_PER_SECOND;
  const faults: string[] = [];
  if (sent < due * MIN_SENT) faults.push(`the generator sent ${sent} of ${Math.round(due)} packets`);
  if (failed > 0) faults.push(`the generator could not send ${failed} packets`);
  if (lateP99Ms > MAX_GENERATOR_LATE_MS) faults.push(`the generator was ${lateP99Ms.toFixed(1)} ms late (p99)`);
  return faults;
}

const ROWS: readonly [string, (figures: VoiceFigures) => number][] = [
  ['CPU per call: voice worker thread, % of a core', ({ cpuPercent }) => cpuPercent.voiceThread],
  ['CPU per call: rest of the server, %', ({ cpuPercent }) => cpuPercent.restOfServer],
  ['CPU per call: media worker, %', ({ cpuPercent }) => cpuPercent.mediaWorker],
  ['CPU in all: voice worker thread, %', ({ coresPercent }) => coresPercent.voiceThread],
  ['CPU in all: media worker, %', ({ coresPercent }) => coresPercent.mediaWorker],
  ['CPU in all: generator, %', ({ coresPercent }) => coresPercent.generator],
  ['packet decoded → verdict p50, ms', ({ verdictMs }) => verdictMs.p50],
  ['packet decoded → verdict p99, ms', ({ verdictMs }) => verdictMs.p99],
  ['packet due at sender → verdict p50, ms', ({ dueToVerdictMs }) => dueToVerdictMs.p50],
  ['packet due at sender → verdict p99, ms', ({ dueToVerdictMs }) => dueToVerdictMs.p99],
  ['packet due at sender → verdict max, ms', ({ dueToVerdictMs }) => dueToVerdictMs.max],
  ['packet due at sender → taken by voice worker p99, ms', ({ transitMs }) => transitMs.p99],
  ['event loop delay p99, ms', ({ loopDelayP99Ms }) => loopDelayP99Ms],
  ['garbage collection, % of a core', ({ garbageCollection }) => garbageCollection.percent],
  ['garbage collection, longest, ms', ({ garbageCollection }) => garbageCollection.longestMs],
  ['windows per run', ({ windowsPerRun }) => windowsPerRun],
  ['playout packets sent', ({ playout }) => playout.sent],
  ['playout packets over 5 ms late', ({ playout }) => playout.late5Ms],
  ['playout packets over 20 ms late', ({ playout }) => playout.late20Ms],
  ['playout frames skipped', ({ playout }) => playout.skipped],
  ['packets sent by callers', ({ packets }) => packets.sent],
  ['packets received by the voice worker', ({ packets }) => packets.received],
  ['packets lost', ({ packets }) => packets.lost],
  ['packets dropped by the kernel', ({ packets }) => packets.kernelDrops],
  ['generator late p99, ms', ({ generatorLateP99Ms }) => generatorLateP99Ms],
];

/** One column a stretch, and the median of those that are not void in front. */
export function figureRows(stretches: readonly VoiceFigures[]): Cell[][] {
  const valid = stretches.filter(({ faults }) => faults.length === 0);
  const heading = [
    '',
    'median',
    ...stretches.map(({ faults }, index) => `${index + 1}${faults.length ? ' void' : ''}`),
  ];
  const rows = ROWS.map(([name, value]) => [name, median(valid.map(value)), ...stretches.map(value)]);
  return [heading, ...rows];
}
