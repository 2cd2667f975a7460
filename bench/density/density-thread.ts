/**
 * The voice worker's thread of the density measurement: conversation models that take no time, and eyes on when packets
 * leave. Everything else is the thread's own.
 *
 * The stand-in for the models answers a spoken turn at once, with as much speech as the caller spoke: a copy of its own
 * for each reply, as a vendor's samples would be, and without a key under which frames are kept. So each of its frames is
 * encoded. Only the greeting, flite's own and the same in all calls, comes from the frames that were encoded before.
 */
import { BroadcastChannel, getEnvironmentData, workerData } from 'node:worker_threads';
import { AgentVoice } from '../../media/speech/agent-voice.ts';
import { CallerAudio } from '../../media/hearing/caller-audio.ts';
import { monotonicMs } from '../../media/runtime/clock.ts';
import { Playout } from '../../media/speech/playout.ts';
import { PlayoutClock } from '../../media/speech/playout-clock.ts';
import { FliteVoice } from '../../media/providers/flite.ts';
import { Parrot } from '../../media/providers/parrot.ts';
import type { TurnAudio } from '../../media/providers/provider.ts';
import type { VoiceWorkerData } from '../../media/workers/voice-protocol.ts';
import { TurnDetector } from '../../media/turn/turn-detector.ts';
import { Times, wrap } from '../thread-probe.ts';
import { AGENT_SPEECH_KEY, type AgentSpeech } from '../voice-observations.ts';
import { DENSITY, type DensityObservations, type ToDensityThread } from './density-observations.ts';

const { samples, sampleRateHz } = getEnvironmentData(AGENT_SPEECH_KEY) as AgentSpeech;
/** What a reply that is shorter or longer than this would be, no conversation has. */
const REPLY_MS = { least: 500, most: 6000 };
const SECOND_MS = 1000;

const playoutLateness = new Times();
const replies = new Times();
/** When the packet came that completed the window judged last. */
const windowAtMs = new WeakMap<CallerAudio, number>();
/** Of the call whose time passes just now: when its last window was there, and when its turn could be decided. */
let polledWindowMs: number | undefined;
let decidableMs: number | undefined;
/** Replies that nobody has heard anything of yet, and since when they could have been decided upon. */
const awaited = new Map<Playout, number>();
let speak: FliteVoice['speak'] | undefined;
let busy: AbortController | undefined;
let said = 0;
let skippedFrames = 0;

function replyAudio(durationMs: number, from: number): TurnAudio {
  return {
    durationMs,
    *pcm(rateHz) {
      if (rateHz !== sampleRateHz) throw new RangeError(`the agent speaks at ${sampleRateHz} Hz`);
      const pieces = Math.ceil(durationMs / SECOND_MS);
      for (let piece = 0; piece < pieces; piece++) {
        const length = Math.round((Math.min(SECOND_MS, durationMs - piece * SECOND_MS) * sampleRateHz) / SECOND_MS);
        const start = (from + piece * sampleRateHz) % Math.max(1, samples.length - sampleRateHz);
        yield samples.slice(start, start + length);
      }
    },
  };
}

function replaceModels(): void {
  wrap(
    Parrot.prototype,
    'respond',
    () =>
      async function* (turn) {
        const durationMs = Math.min(REPLY_MS.most, Math.max(REPLY_MS.least, turn.speechMs));
        const from = (said++ * 7919 * 480) % samples.length;
        yield { type: 'audio', audio: replyAudio(durationMs, from), text: 'as long as you spoke' };
      },
  );
}

/** Tells when the packet came that completed a window, and when the turn could be decided: then, or at its deadline. */
function observeDecisions(): void {
  wrap(
    CallerAudio.prototype,
    'receive',
    (receive) =>
      function (this: CallerAudio, header, packet, nowMs) {
        windowAtMs.set(this, nowMs);
        receive.call(this, header, packet, nowMs);
      },
  );
  wrap(
    CallerAudio.prototype,
    'poll',
    (poll) =>
      function (this: CallerAudio, nowMs) {
        polledWindowMs = windowAtMs.get(this);
        poll.call(this, nowMs);
        polledWindowMs = decidableMs = undefined;
      },
  );
  wrap(
    TurnDetector.prototype,
    'poll',
    (poll) =>
      function (this: TurnDetector, nowMs) {
        const deadlineMs = this.nextDeadlineMs;
        const turn = poll.call(this, nowMs);
        if (turn && polledWindowMs !== undefined) decidableMs = Math.max(deadlineMs, polledWindowMs);
        return turn;
      },
  );
}

function observeReplies(): void {
  wrap(
    AgentVoice.prototype,
    'begin',
    (begin) =>
      function (this: AgentVoice, request, input) {
        if (decidableMs !== undefined && request.kind === 'answer') awaited.set(this.playout, decidableMs);
        begin.call(this, request, input);
      },
  );
  wrap(
    Playout.prototype,
    'send',
    (send) =>
      function (this: Playout, nowMs) {
        const sent = send.call(this, nowMs);
        const sinceMs = awaited.get(this);
        if (sinceMs === undefined || !this.audible) return sent;
        awaited.delete(this);
        replies.record(monotonicMs() - sinceMs);
        return sent;
      },
  );
  wrap(
    AgentVoice.prototype,
    'abort',
    (abort) =>
      function (this: AgentVoice) {
        awaited.delete(this.playout);
        abort.call(this);
      },
  );
}

function observePlayout(): void {
  wrap(
    PlayoutClock.prototype,
    'due',
    (due) =>
      function (this: PlayoutClock, nowMs) {
        const before = this.statistics.skipped;
        const frames = due.call(this, nowMs);
        skippedFrames += this.statistics.skipped - before;
        return frames;
      },
  );
  wrap(
    PlayoutClock.prototype,
    'stamp',
    (stamp) =>
      function (this: PlayoutClock, kind) {
        const leaves = stamp.call(this, kind);
        if (leaves) playoutLateness.record(this.lastLatenessMs);
        return leaves;
      },
  );
}

/** Has flite speak without a pause what it has not spoken before: the one model of a conversation that is local. */
async function keepBusy(): Promise<void> {
  busy = new AbortController();
  const { signal } = busy;
  for (let clause = 0; !signal.aborted; clause++) {
    const text = [`Number ${clause} of the sentences that nobody will ever hear, said to be busy.`];
    const spoken = speak!(ReadableStream.from(text), 'slt', signal)[Symbol.asyncIterator]();
    for (let next = await spoken.next(); !next.done;) next = await spoken.next();
  }
}

function findFlite(): void {
  wrap(
    FliteVoice.prototype,
    'warm',
    (warm) =>
      function (this: FliteVoice) {
        speak = this.speak.bind(this);
        return warm.call(this);
      },
  );
}

function observations(): DensityObservations {
  return {
    playoutLatenessMs: { p50: playoutLateness.at(50), p99: playoutLateness.at(99), p999: playoutLateness.at(99.9) },
    skippedFrames,
    decisionToPacketMs: { count: replies.count, p50: replies.at(50), p99: replies.at(99), max: replies.at(100) },
  };
}

function reset(): void {
  for (const times of [playoutLateness, replies]) times.reset();
  skippedFrames = 0;
}

function answer({ ask }: ToDensityThread): DensityObservations | undefined {
  if (ask === 'reset') reset();
  if (ask === 'busy') keepBusy().catch(() => undefined);
  if (ask === 'calm') busy?.abort();
  return ask === 'observations' ? observations() : undefined;
}

const channel = new BroadcastChannel(DENSITY);
channel.onmessage = (event) => {
  // A spare worker has seen nothing.
  if ((workerData as VoiceWorkerData).index === undefined) return;
  const { data } = event as { data: ToDensityThread & { id: number } };
  channel.postMessage({ id: data.id, answer: answer(data) });
};
channel.unref();

replaceModels();
observeDecisions();
observeReplies();
observePlayout();
findFlite();
await import('../voice-thread-observed.ts');
