/**
 * The voice worker's thread with more eyes: how long a packet took from the moment it was due at its sender, what the
 * event loop and the garbage collector did, and profiles. It runs the thread's own file and changes nothing in it.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { BroadcastChannel, getEnvironmentData, workerData } from 'node:worker_threads';
import { CallerAudio } from '../media/hearing/caller-audio.ts';
import { monotonicMs } from '../media/runtime/clock.ts';
import { FliteVoice } from '../media/providers/flite.ts';
import type { VoiceWorkerData } from '../media/workers/voice-protocol.ts';
import { VadBatcher, type VadStream } from '../media/vad/vad-batcher.ts';
import { msSince } from './send-schedule.ts';
import { Collections, liveMemory, threadCpuMs, ThreadProfile, Times, wrap } from './thread-probe.ts';
import {
  AGENT_SPEECH_KEY,
  OBSERVATIONS,
  SPEAK_ON,
  type AgentSpeech,
  type Observations,
  type ToObserver,
} from './voice-observations.ts';

const transit = new Times();
const queued = new Times();
const whole = new Times();
const loopDelay = monitorEventLoopDelay({ resolution: 1 });
const collections = new Collections();
const profile = new ThreadProfile();

/** When the packet that is being handled was due; undefined while there is none. */
let dueMs: number | undefined;
/** For each stream, when the packets were due that completed the windows it waits for. */
const waiting = new WeakMap<VadStream, (number | undefined)[]>();

function observePackets(): void {
  wrap(
    CallerAudio.prototype,
    'receive',
    (receive) =>
      function (this: CallerAudio, header, packet, nowMs) {
        const transitMs = msSince(header.timestamp, nowMs);
        transit.record(transitMs);
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
      queued.record(nowMs - queuedMs);
      whole.record(nowMs - due);
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

function reset(): void {
  for (const part of [transit, queued, whole, loopDelay, collections]) part.reset();
}

const inMs = (times: Times) => ({ p50: times.at(50), p99: times.at(99), max: times.at(100) });

function observations(): Observations {
  return {
    cpuMs: threadCpuMs(),
    transitMs: inMs(transit),
    queuedToVerdictMs: inMs(queued),
    dueToVerdictMs: inMs(whole),
    loopDelayP99Ms: loopDelay.percentile(99) / 1e6,
    collections: { ...collections.sums },
  };
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
      return profile.start();
    case 'stop-profile':
      return profile.stop(question.cpuFile, question.heapFile);
  }
}

const channel = new BroadcastChannel(OBSERVATIONS);
channel.onmessage = (event) => {
  // A spare worker has seen nothing.
  if ((workerData as VoiceWorkerData).index === undefined) return;
  const question = (event as { data: ToObserver }).data;
  void answer(question).then((answered) => channel.postMessage({ id: question.id, answer: answered }));
};
channel.unref();

observePackets();
observeVerdicts();
loopDelay.enable();
const agentSpeech = getEnvironmentData(AGENT_SPEECH_KEY) as AgentSpeech | undefined;
if (agentSpeech) replaceVoice(agentSpeech);
await import('../media/workers/voice-worker-thread.ts');
