/** Eyes for a voice worker's thread that is measured: they are put around methods of its parts and change nothing in them. */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { createHistogram, PerformanceObserver, type RecordableHistogram } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { LiveMemory } from './voice-observations.ts';

/** Puts a function around a method of all instances of a class. */
export function wrap<Instance, Name extends keyof Instance>(
  prototype: Instance,
  name: Name,
  wrapper: (original: Instance[Name]) => Instance[Name],
): void {
  prototype[name] = wrapper(prototype[name]);
}

/** Times in whole µs: histograms hold integers from 1. */
export class Times {
  readonly histogram: RecordableHistogram = createHistogram();

  record(ms: number): void {
    this.histogram.record(Math.max(1, Math.round(ms * 1000)));
  }

  reset(): void {
    this.histogram.reset();
  }

  /** In ms; 0 where nothing was recorded. */
  at(percentile: number): number {
    return this.histogram.count === 0 ? 0 : this.histogram.percentile(percentile) / 1000;
  }

  get count(): number {
    return this.histogram.count;
  }
}

/** What the garbage collector did. */
export class Collections {
  readonly sums = { count: 0, totalMs: 0, longestMs: 0 };

  constructor() {
    const { sums } = this;
    const observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) {
        sums.count++;
        sums.totalMs += duration;
        sums.longestMs = Math.max(sums.longestMs, duration);
      }
    });
    observer.observe({ entryTypes: ['gc'] });
  }

  reset(): void {
    Object.assign(this.sums, { count: 0, totalMs: 0, longestMs: 0 });
  }
}

/** Bytes that are really in use: after a full collection, which stops the thread for a while. */
export function liveMemory(): LiveMemory {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return { heapBytes: heapUsed, externalBytes: external - arrayBuffers, arrayBufferBytes: arrayBuffers };
}

/** CPU time of this thread in ms. */
export function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** A CPU profile, and who allocates what. */
export class ThreadProfile {
  #session: Session | undefined;

  async start(): Promise<void> {
    const session = new Session();
    this.#session = session;
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 250 });
    await session.post('Profiler.start');
    await session.post('HeapProfiler.startSampling', {
      samplingInterval: 4096,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
  }

  async stop(cpuFile: string, heapFile: string): Promise<void> {
    const session = this.#session!;
    const { profile: cpu } = await session.post('Profiler.stop');
    const { profile: heap } = await session.post('HeapProfiler.stopSampling');
    session.disconnect();
    writeFileSync(cpuFile, JSON.stringify(cpu));
    writeFileSync(heapFile, JSON.stringify(heap));
  }
}
