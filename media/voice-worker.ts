/**
 * Runs many calls on one thread: their sockets, one VAD for all, one send loop. Talks to the main thread in the messages
 * of `voice-protocol.ts`; `voice-worker-thread.ts` starts it.
 */
import { createHistogram } from 'node:perf_hooks';
import { monotonicMs } from './clock.ts';
import { EncodedClips } from './encoded-clips.ts';
import { PlayoutClock } from './playout-clock.ts';
import type { Responder, TextToSpeech } from './providers/provider.ts';
import { ReplyGenerator } from './reply.ts';
import { readRtcp } from './rtcp.ts';
import { RtpSocket } from './rtp-socket.ts';
import type { Silero } from './silero.ts';
import { VadBatcher } from './vad-batcher.ts';
import { VoiceCall } from './voice-call.ts';
import type { FromVoiceWorker, OpenCall, ToVoiceWorker, VoiceStatistics, VoiceWorkerData } from './voice-protocol.ts';

/**
 * The send loop's grid. Each call's frames fall on one of its points, so that a frame leaves when a tick runs. Smaller:
 * more wake-ups; larger: turn ends and conceals are later by as much.
 */
const TICK_MS = 5;
const FRAME_MS = 20;

export type VoiceWorkerParts = {
  data: Pick<VoiceWorkerData, 'heartbeatMs' | 'rateHz'>;
  silero: Silero;
  textToSpeech: TextToSpeech;
  responders: Record<string, Responder>;
  post: (message: FromVoiceWorker) => void;
};

export class VoiceWorker {
  readonly #parts: VoiceWorkerParts;
  readonly #links = new Map<number, RtpSocket>();
  readonly #calls = new Map<string, VoiceCall>();
  readonly #batcher: VadBatcher;
  readonly #clips: EncodedClips;
  readonly #verdicts = createHistogram();
  readonly #lateness = createHistogram();
  readonly #closedCalls = { received: 0, lost: 0 };
  readonly #heartbeat: NodeJS.Timeout;
  #ticker: NodeJS.Timeout | undefined;
  #phase = 0;
  #closed = false;

  constructor(parts: VoiceWorkerParts) {
    this.#parts = parts;
    this.#batcher = new VadBatcher(parts.silero, monotonicMs, (fault) => this.#fault(undefined, 'vad_failed', fault));
    this.#clips = new EncodedClips(parts.data.rateHz);
    this.#heartbeat = setInterval(() => void this.#beat(), parts.data.heartbeatMs);
  }

  /** Carries out one message of the main thread. One that fails costs its call at most, never the worker. */
  async handle(message: ToVoiceWorker): Promise<void> {
    const callId =
      'callId' in message ? message.callId : message.type === 'open-call' ? message.call.callId : undefined;
    try {
      await this.#dispatch(message);
    } catch (fault) {
      if ('linkId' in message) {
        this.#parts.post({ type: 'link-failed', linkId: message.linkId, reason: String(fault) });
      }
      this.#fault(callId, `${message.type}_failed`, fault);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#ticker);
    for (const callId of [...this.#calls.keys()]) this.#closeCall(callId);
    this.#batcher.close();
    for (const link of this.#links.values()) link.close();
    await this.#parts.silero.close();
  }

  async #dispatch(message: ToVoiceWorker): Promise<void> {
    switch (message.type) {
      case 'open-link':
        return this.#openLink(message.linkId, message.port);
      case 'connect-link':
        await this.#link(message.linkId).connect(message.remotePort);
        return this.#parts.post({ type: 'link-connected', linkId: message.linkId });
      case 'close-link':
        this.#links.get(message.linkId)?.close();
        return void this.#links.delete(message.linkId);
      case 'open-call':
        return this.#openCall(message.call);
      case 'move-call':
        return this.#calls.get(message.callId)?.moveTo(this.#link(message.linkId));
      case 'close-call':
        return this.#closeCall(message.callId);
      case 'measure':
        return this.#parts.post({ type: 'measured', requestId: message.requestId, statistics: await this.#measure() });
      case 'close':
        return this.close();
      default:
        return this.#dispatchToCall(message);
    }
  }

  #dispatchToCall(message: Extract<ToVoiceWorker, { callId: string }>): void {
    const call = this.#calls.get(message.callId);
    if (!call) return;
    switch (message.type) {
      case 'caller-ssrc':
        return call.receiveFrom(message.ssrc);
      case 'client-ready':
        return call.clientReady();
      case 'client-gone':
        return call.clientGone();
      case 'say':
        return this.#parts.post({ type: 'said', requestId: message.requestId, turnId: call.say(message.text) });
      case 'interrupt':
        return call.interrupt();
      case 'mute':
        return call.mute(message.muted);
    }
  }

  async #openLink(linkId: number, port: number): Promise<void> {
    const onRtcp = (packet: Buffer) => void readRtcp(packet, packet.length, {});
    const link = new RtpSocket({ now: monotonicMs, onRtcp });
    this.#links.set(linkId, link);
    try {
      this.#parts.post({ type: 'link-opened', linkId, port: await link.bind(port) });
    } catch (fault) {
      link.close();
      this.#links.delete(linkId);
      throw fault;
    }
  }

  #link(linkId: number): RtpSocket {
    const link = this.#links.get(linkId);
    if (!link) throw new Error(`there is no link ${linkId}`);
    return link;
  }

  #openCall(open: OpenCall): void {
    this.#closeCall(open.callId);
    const { silero: _silero, post, textToSpeech, responders, data } = this.#parts;
    const { callId, agent } = open;
    const responder = responders[agent.responder];
    if (!responder) throw new Error(`there is no responder ${agent.responder}`);
    const call = new VoiceCall({
      open,
      link: this.#link(open.linkId),
      now: monotonicMs,
      rateHz: data.rateHz,
      clock: this.#createClock(open),
      clips: this.#clips,
      batcher: this.#batcher,
      reply: new ReplyGenerator({ responder, textToSpeech, voice: agent.voice, rateHz: data.rateHz }),
      onEvent: (event) => post({ type: 'event', callId, event }),
      onFault: (code, fault) => this.#fault(callId, code, fault),
      onVerdictDelay: this.#onVerdictDelay,
    });
    this.#calls.set(callId, call);
    if (!this.#ticker) this.#scheduleTick();
  }

  /** Calls take turns on the grid, so that the frames of no two neighbours fall due together. */
  #createClock(open: OpenCall): PlayoutClock {
    const nowMs = monotonicMs();
    this.#phase = (this.#phase + 1) % (FRAME_MS / TICK_MS);
    const clock = new PlayoutClock({ frameMs: FRAME_MS, phaseMs: this.#phase * TICK_MS, nowMs });
    if (open.restore) clock.restore(open.restore.playout, nowMs);
    return clock;
  }

  #closeCall(callId: string): void {
    const call = this.#calls.get(callId);
    if (!call) return;
    this.#calls.delete(callId);
    call.close();
    this.#closedCalls.received += call.callerStatistics.received;
    this.#closedCalls.lost += call.callerStatistics.lost;
  }

  #scheduleTick(): void {
    const nowMs = monotonicMs();
    this.#ticker = setTimeout(this.#tick, Math.max(0, Math.floor(nowMs / TICK_MS + 1) * TICK_MS - nowMs));
  }

  readonly #tick = (): void => {
    const nowMs = monotonicMs();
    for (const call of this.#calls.values()) {
      if (call.send(nowMs)) this.#lateness.record(Math.max(1, Math.round(call.clock.lastLatenessMs * 1000)));
    }
    for (const [callId, call] of this.#calls) {
      try {
        call.work(nowMs);
      } catch (fault) {
        this.#fault(callId, 'call_failed', fault);
      }
    }
    this.#ticker = undefined;
    if (this.#calls.size > 0 && !this.#closed) this.#scheduleTick();
  };

  readonly #onVerdictDelay = (delayMs: number): void => {
    this.#verdicts.record(Math.max(1, Math.round(delayMs * 1000)));
  };

  async #beat(): Promise<void> {
    const nowMs = monotonicMs();
    const snapshots = [...this.#calls].map(([callId, call]) => ({ callId, snapshot: call.snapshot(nowMs) }));
    this.#parts.post({ type: 'heartbeat', snapshots, statistics: await this.#measure() });
  }

  async #measure(): Promise<VoiceStatistics> {
    const links = [...this.#links.values()];
    const drops = await Promise.all(links.map((link) => link.kernelDrops()));
    const calls = [...this.#calls.values()];
    const sum = <Item>(items: Item[], value: (item: Item) => number) =>
      items.reduce((all, item) => all + value(item), 0);
    const rejected = (link: RtpSocket) =>
      link.statistics.malformed + link.statistics.strangers + link.statistics.unclaimed;
    return {
      calls: calls.length,
      packetsReceived: this.#closedCalls.received + sum(calls, (call) => call.callerStatistics.received),
      packetsLost: this.#closedCalls.lost + sum(calls, (call) => call.callerStatistics.lost),
      packetsSent: sum(calls, (call) => call.clock.statistics.sent),
      packetsRejected: sum(links, rejected),
      late5Ms: sum(calls, (call) => call.clock.statistics.late5Ms),
      late20Ms: sum(calls, (call) => call.clock.statistics.late20Ms),
      skippedFrames: sum(calls, (call) => call.clock.statistics.skipped),
      kernelDrops: drops.reduce((all, count) => all + count, 0),
      receiveBufferBytes: Math.min(...links.map((link) => link.receiveBufferBytes), Infinity),
      windows: this.#batcher.windows,
      runs: this.#batcher.runs,
      verdictP50Ms: this.#verdicts.percentile(50) / 1000,
      verdictP99Ms: this.#verdicts.percentile(99) / 1000,
      latenessP999Ms: this.#lateness.percentile(99.9) / 1000,
      heapBytes: process.memoryUsage().heapUsed,
    };
  }

  #fault(callId: string | undefined, code: string, fault: unknown): void {
    const message = fault instanceof Error ? `${fault.name}: ${fault.message}` : 'unknown fault';
    this.#parts.post({ type: 'fault', code, message, ...(callId !== undefined && { callId }) });
  }
}
