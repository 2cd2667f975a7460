/**
 * The voice worker's thread with more eyes: how long a packet took from the moment it was due at its sender, what the
 * event loop and the garbage collector did, and profiles. It runs the thread's own file and changes nothing in it.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { createHistogram, monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BroadcastChannel, getEnvironmentData } from 'node:worker_threads';
import { CallerAudio } from '../media/caller-audio.ts';
import { monotonicMs } from '../media/clock.ts';
import { FliteVoice } from '../media/providers/flite.ts';
import { VadBatcher, type VadStream } from '../media/vad-batcher.ts';
import { msSince } from './send-schedule.ts';
import {
  AGENT_SPEECH_KEY,
  OBSERVATIONS,
  SPEAK_ON,
  type AgentSpeech,
  type Observations,
  type ToObserver,
} from './voice-observations.ts';

const transit = createHistogram();
const queued = createHistogram();
const whole = createHistogram();
const loopDelay = monitorEventLoopDelay({ resolution: 1 });
const collections = { count: 0, totalMs: 0, longestMs: 0 };
let profiler: Session | undefined;

/** When the packet that is being handled was due; undefined while there is none. */
let dueMs: number | undefined;
/** For each stream, when the packets were due that completed the windows it waits for. */
const waiting = new WeakMap<VadStream, (number | undefined)[]>();

const record = (histogram: typeof transit, ms: number): void => histogram.record(Math.max(1, Math.round(ms * 1000)));

/** Puts a function around a method of all instances of a class. */
function wrap<Instance, Name extends keyof Instance>(
  prototype: Instance,
  name: Name,
  wrapper: (original: Instance[Name]) => Instance[Name],
): void {
  prototype[name] = wrapper(prototype[name]);
}

function observePackets(): void {
  wrap(
    CallerAudio.prototype,
    'receive',
    (receive) =>
      function (this: CallerAudio, header, packet, nowMs) {
        const transitMs = msSince(header.timestamp, nowMs);
        record(transit, transitMs);
        dueMs = nowMs - transitMs;
        receive.call(this, header, packet, nowMs);
        dueMs = undefined;
      },
  );
}

function observeVerdicts(): void {
  wrap(
    VadBatcher.prototype,
    'add',
    (add) =>
      function (this: VadBatcher, stream, window, endMs) {
        observed(stream).push(dueMs);
        add.call(this, stream, window, endMs);
      },
  );
}

function observed(stream: VadStream): (number | undefined)[] {
  const known = waiting.get(stream);
  if (known) return known;
  const dueTimes: (number | undefined)[] = [];
  waiting.set(stream, dueTimes);
  const { onVerdict } = stream;
  const observing: typeof onVerdict = (probability, endMs, queuedMs) => {
    const nowMs = monotonicMs();
    const due = dueTimes.shift();
    if (due !== undefined) {
      record(queued, nowMs - queuedMs);
      record(whole, nowMs - due);
    }
    onVerdict(probability, endMs, queuedMs);
  };
  Object.assign(stream, { onVerdict: observing });
  return dueTimes;
}

/** A voice that streams speech not heard before, as services do: every frame of it has to be encoded. */
function replaceVoice({ samples, sampleRateHz, seconds }: AgentSpeech): void {
  const perSecond = Array.from({ length: Math.floor(samples.length / sampleRateHz) }, (_, second) =>
    samples.subarray(second * sampleRateHz, (second + 1) * sampleRateHz),
  );
  wrap(
    FliteVoice.prototype,
    'speak',
    (speak) =>
      async function* (this: FliteVoice, clauses, voice, signal) {
        const all: string[] = [];
        for await (const clause of clauses) all.push(clause);
        if (!all.some((clause) => clause.startsWith(SPEAK_ON))) {
          yield* speak.call(this, ReadableStream.from(all), voice, signal);
          return;
        }
        for (let second = 0; second < seconds && !signal.aborted; second++) {
          yield { pcm: { samples: perSecond[second % perSecond.length]!, sampleRateHz }, text: '' };
        }
      },
  );
}

function observeCollections(): void {
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      collections.count++;
      collections.totalMs += duration;
      collections.longestMs = Math.max(collections.longestMs, duration);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
}

function reset(): void {
  for (const histogram of [transit, queued, whole, loopDelay]) histogram.reset();
  Object.assign(collections, { count: 0, totalMs: 0, longestMs: 0 });
}

/** Bytes that are really in use: after a full collection, which stops the thread for a while. */
function liveMemory(): { heapBytes: number; externalBytes: number; arrayBufferBytes: number } {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return { heapBytes: heapUsed, externalBytes: external - arrayBuffers, arrayBufferBytes: arrayBuffers };
}

const inMs = (histogram: typeof transit) => ({
  p50: histogram.percentile(50) / 1000,
  p99: histogram.percentile(99) / 1000,
  max: histogram.max / 1000,
});

function observations(): Observations {
  const { user, system } = process.threadCpuUsage();
  return {
    cpuMs: (user + system) / 1000,
    transitMs: inMs(transit),
    queuedToVerdictMs: inMs(queued),
    dueToVerdictMs: inMs(whole),
    loopDelayP99Ms: loopDelay.percentile(99) / 1e6,
    collections: { ...collections },
  };
}

async function startProfile(): Promise<void> {
  profiler = new Session();
  profiler.connect();
  await profiler.post('Profiler.enable');
  await profiler.post('Profiler.setSamplingInterval', { interval: 250 });
  await profiler.post('Profiler.start');
  await profiler.post('HeapProfiler.startSampling', {
    samplingInterval: 4096,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
}

async function stopProfile(cpuFile: string, heapFile: string): Promise<void> {
  const { profile: cpu } = await profiler!.post('Profiler.stop');
  const { profile: heap } = await profiler!.post('HeapProfiler.stopSampling');
  profiler!.disconnect();
  writeFileSync(cpuFile, JSON.stringify(cpu));
  writeFileSync(heapFile, JSON.stringify(heap));
}

async function answer(question: ToObserver): Promise<unknown> {
  switch (question.ask) {
    case 'reset':
      return reset();
    case 'observations':
      return observations();
    case 'live-memory':
      return liveMemory();
    case 'start-profile':
      return startProfile();
    case 'stop-profile':
      return stopProfile(question.cpuFile, question.heapFile);
  }
}

const channel = new BroadcastChannel(OBSERVATIONS);
channel.onmessage = (event) => {
  const question = (event as { data: ToObserver }).data;
  void answer(question).then((answered) => channel.postMessage({ id: question.id, answer: answered }));
};
channel.unref();

observePackets();
observeVerdicts();
observeCollections();
loopDelay.enable();
const agentSpeech = getEnvironmentData(AGENT_SPEECH_KEY) as AgentSpeech | undefined;
if (agentSpeech) replaceVoice(agentSpeech);
await import('../media/voice-worker-thread.ts');
