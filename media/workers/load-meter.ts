/** How long verdicts take in a voice worker, how late it is, and how much of its time it works: since its start, and of late. */
import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';
import type { RecentLoad } from './overload.ts';

/** What leaves later than this is heard as a gap, where a client holds back no more than a packet. */
const LATE_MS = 20;

export class LoadMeter {
  readonly #verdicts = createHistogram();
  readonly #lateness = createHistogram();
  readonly #verdictsSinceBeat = createHistogram();
  readonly #ticksSinceBeat = createHistogram();
  #utilization = performance.eventLoopUtilization();
  #cpuUs = threadCpuUs();
  #beatMs = performance.now();
  #skippedBefore = 0;
  #sent = 0;
  #late = 0;
  /** Of the time between the last two beats. */
  recent: RecentLoad = { busy: 0, working: 0, verdictP99Ms: 0, windowsSkipped: 0, loopDelayP99Ms: 0, lateShare: 0 };

  /** @param delayMs from the packet that completed a window to its verdict */
  readonly verdict = (delayMs: number): void => {
    record(this.#verdicts, delayMs);
    record(this.#verdictsSinceBeat, delayMs);
  };

  /** A tick of the send loop began so long after its time: what the event loop was at before it. */
  readonly tick = (latenessMs: number): void => record(this.#ticksSinceBeat, latenessMs);

  /** A frame was sent, or was silence, so long after its time. */
  readonly sent = (latenessMs: number): void => {
    record(this.#lateness, latenessMs);
    this.#sent++;
    if (latenessMs > LATE_MS) this.#late++;
  };

  /** Since the start, in ms. */
  verdictMs(percentile: number): number {
    return this.#verdicts.percentile(percentile) / 1000;
  }

  /** Since the start, in ms. */
  latenessMs(percentile: number): number {
    return this.#lateness.percentile(percentile) / 1000;
  }

  /** A heartbeat leaves. @param skipped windows that were not judged, since the start */
  beat(skipped: number): void {
    const [utilization, cpuUs, nowMs] = [performance.eventLoopUtilization(), threadCpuUs(), performance.now()];
    this.recent = {
      busy: performance.eventLoopUtilization(utilization, this.#utilization).utilization,
      working: (cpuUs - this.#cpuUs) / 1000 / Math.max(1, nowMs - this.#beatMs),
      verdictP99Ms: msOf(this.#verdictsSinceBeat, 99),
      windowsSkipped: skipped - this.#skippedBefore,
      loopDelayP99Ms: msOf(this.#ticksSinceBeat, 99),
      lateShare: this.#late / Math.max(1, this.#sent),
    };
    this.#utilization = utilization;
    this.#cpuUs = cpuUs;
    this.#beatMs = nowMs;
    this.#skippedBefore = skipped;
    this.#verdictsSinceBeat.reset();
    this.#ticksSinceBeat.reset();
    this.#sent = this.#late = 0;
  }
}

function threadCpuUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

/** In whole µs: histograms hold integers from 1. */
function record(histogram: RecordableHistogram, ms: number): void {
  histogram.record(Math.max(1, Math.round(ms * 1000)));
}

function msOf(histogram: RecordableHistogram, percentile: number): number {
  return histogram.count === 0 ? 0 : histogram.percentile(percentile) / 1000;
}
