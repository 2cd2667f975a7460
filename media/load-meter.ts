/** How long verdicts take in a voice worker, and how much of its time the thread works: since its start, and of late. */
import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';
import type { RecentLoad } from './overload.ts';

export class LoadMeter {
  readonly #all = createHistogram();
  readonly #sinceBeat = createHistogram();
  #utilization = performance.eventLoopUtilization();
  #skippedBefore = 0;
  /** Of the time between the last two beats. */
  recent: RecentLoad = { busy: 0, verdictP90Ms: 0, windowsSkipped: 0 };

  /** @param delayMs from the packet that completed a window to its verdict */
  readonly verdict = (delayMs: number): void => {
    record(this.#all, delayMs);
    record(this.#sinceBeat, delayMs);
  };

  /** Since the start, in ms. */
  verdictMs(percentile: number): number {
    return this.#all.percentile(percentile) / 1000;
  }

  /** A heartbeat leaves. @param skipped windows that were not judged, since the start */
  beat(skipped: number): void {
    const utilization = performance.eventLoopUtilization();
    this.recent = {
      busy: performance.eventLoopUtilization(utilization, this.#utilization).utilization,
      verdictP90Ms: this.#sinceBeat.count === 0 ? 0 : this.#sinceBeat.percentile(90) / 1000,
      windowsSkipped: skipped - this.#skippedBefore,
    };
    this.#utilization = utilization;
    this.#skippedBefore = skipped;
    this.#sinceBeat.reset();
  }
}

/** In whole µs: histograms hold integers from 1. */
function record(histogram: RecordableHistogram, ms: number): void {
  histogram.record(Math.max(1, Math.round(ms * 1000)));
}
