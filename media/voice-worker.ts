/**
 * Runs many calls on one thread: their sockets, one speech model for all of them, one send loop. It talks to the main thread in
 * the messages of `voice-protocol.ts`; `voice-worker-thread.ts` starts it.
 */
import { monotonicMs } from './runtime/clock.ts';
import type { ConversationSnapshot } from './conversation/conversation-events.ts';
import { EncodedClips } from './audio/encoded-clips.ts';
import { EncoderEffort } from './speech/encoder-effort.ts';
import { LoadMeter } from './workers/load-meter.ts';
import { PlayoutClock } from './speech/playout-clock.ts';
import { readRtcp } from './rtp/rtcp.ts';
import { RtpSocket } from './rtp/rtp-socket.ts';
import { SendLoop, TICK_MS } from './speech/send-loop.ts';
import type { Silero } from './vad/silero.ts';
import { VadBatcher } from './vad/vad-batcher.ts';
import { noTotals, addTo } from './voice-call/call-totals.ts';
import { KeptRecords } from './tools/kept-records.ts';
import type { ToolRecord } from './tools/tool-ledger.ts';
import type { VoiceCallOptions } from './voice-call/voice-call-options.ts';
import { VoiceCall } from './voice-call/voice-call.ts';
import { measure } from './workers/voice-measures.ts';
import type {
  FromVoiceWorker,
  OpenCall,
  ToVoiceWorker,
  VoiceStatistics,
  VoiceWorkerData,
} from './workers/voice-protocol.ts';

const FRAME_MS = 20;
const FAULT_INTERVAL_MS = 1000;
/**
 * Heartbeats carry the snapshots from which a replacement continues. It skips 200 sequence numbers; 50 packets are sent
 * in this time.
 */
const LONGEST_SNAPSHOT_AGE_MS = 1000;

export type VoiceWorkerParts = {
  data: Pick<VoiceWorkerData, 'heartbeatMs' | 'rateHz' | 'journalFolder'>;
  silero: Silero;
  /** The recogniser, model and voice of an agent's call. @throws ProviderConfigError if the agent cannot be served */
  providers: VoiceCallOptions['providers'];
  post: (message: FromVoiceWorker) => void;
  /** This worker, which was a spare one, will have calls from now on. */
  onServe?: () => void;
};

export class VoiceWorker {
  readonly #parts: VoiceWorkerParts;
  readonly #links = new Map<number, RtpSocket>();
  readonly #calls = new Map<string, VoiceCall>();
  /** For each call that is being handed over, the request that it has to answer. */
  readonly #handOvers = new Map<string, number>();
  readonly #records = new KeptRecords();
  readonly #batcher: VadBatcher;
  readonly #clips: EncodedClips;
  readonly #effort = new EncoderEffort();
  readonly #load = new LoadMeter();
  /** Totals of the calls that have ended. */
  readonly #ended = noTotals();
  /** When a fault of each code was last reported. */
  readonly #toldMs = new Map<string, number>();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #loop: SendLoop;
  #phase = 0;
  #closed = false;

  constructor(parts: VoiceWorkerParts) {
    this.#parts = parts;
    this.#batcher = new VadBatcher(parts.silero, monotonicMs, (fault) => this.#fault(undefined, 'vad_failed', fault));
    this.#clips = new EncodedClips(parts.data.rateHz);
    const beatMs = Math.min(parts.data.heartbeatMs, LONGEST_SNAPSHOT_AGE_MS);
    this.#heartbeat = setInterval(() => void this.#beat(), beatMs);
    this.#loop = new SendLoop({
      calls: this.#calls,
      now: monotonicMs,
      onTick: this.#load.tick,
      onSent: this.#load.sent,
      onFault: (callId, code, fault) => this.#fault(callId, code, fault),
    });
  }

  /** Carries out one message of the main thread. A failure costs its call at most, never the worker. */
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
    this.#loop.close();
    for (const callId of this.#calls.keys()) this.#closeCall(callId);
    this.#batcher.close();
    for (const link of this.#links.values()) link.close();
    await this.#parts.silero.close();
  }

  async #dispatch(message: ToVoiceWorker): Promise<void> {
    switch (message.type) {
      case 'serve':
        return this.#parts.onServe?.();
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

  #dispatchToCall(message: CallOrder): void {
    const call = this.#calls.get(message.callId);
    if (!call) return;
    switch (message.type) {
      case 'caller-ssrc':
        return call.receiveFrom(message.ssrc);
      case 'client-ready':
        return call.clientReady();
      case 'client-gone':
        return call.clientGone();
      case 'client-hears':
        return call.clientHears(message.afterMs);
      case 'say':
        return this.#parts.post({ type: 'said', requestId: message.requestId, turnId: call.say(message.text) });
      case 'interrupt':
        return call.interrupt();
      case 'mute':
        return call.mute(message.muted);
      case 'client-present':
        return call.tools?.clientPresent(message.presence);
      case 'tool-result':
        return call.tools?.clientAnswered(message.answer);
      case 'tools-kept':
        return this.#records.settle(message.requestId, message.kept);
      case 'tools-learnt':
        return call.tools?.learn(message.record);
      case 'hand-over':
        this.#handOvers.set(message.callId, message.requestId);
        return call.handOver(message.withinMs);
      case 'take-over':
        return call.takeOver(message.order);
      case 'resume':
        return call.resume();
    }
  }

  async #openLink(linkId: number, port: number): Promise<void> {
    const onRtcp = (packet: Buffer) => void readRtcp(packet, packet.length, {});
    const onFault = (fault: unknown) => this.#fault(undefined, 'packet_failed', fault);
    const link = new RtpSocket({ now: monotonicMs, onRtcp, onFault });
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
    const { callId } = open;
    this.#closeCall(callId);
    try {
      const call = this.#createCall(open);
      this.#calls.set(callId, call);
      call.prepare();
    } catch (fault) {
      // Otherwise nobody would ever speak in it.
      this.#parts.post({ type: 'call-ended', callId, reason: 'failed' });
      throw fault;
    }
    this.#loop.start();
  }

  #createCall(open: OpenCall): VoiceCall {
    const { post, providers, data } = this.#parts;
    const { callId } = open;
    return new VoiceCall({
      open,
      link: this.#link(open.linkId),
      now: monotonicMs,
      hurry: () => this.#loop.hurry(callId),
      rateHz: data.rateHz,
      clock: this.#createClock(open),
      clips: this.#clips,
      effort: this.#effort,
      batcher: this.#batcher,
      journalFolder: data.journalFolder,
      providers,
      onEvent: (event) => post({ type: 'event', callId, event }),
      onStateChanged: (snapshot) => post({ type: 'snapshot', callId, snapshot }),
      recordTools: (record) => this.#recordTools(callId, record),
      onEnded: (reason) => post({ type: 'call-ended', callId, reason }),
      onHandedOver: (conversation) => this.#handedOver(callId, conversation),
      onFault: (code, fault) => this.#fault(callId, code, fault),
      onVerdictDelay: this.#load.verdict,
    });
  }

  /** With how the conversation stands meanwhile: that what is being said is not all that is owed. */
  #recordTools(callId: string, record: ToolRecord): Promise<boolean> {
    const { post } = this.#parts;
    const snapshot = this.#calls.get(callId)?.snapshot(monotonicMs());
    if (snapshot) post({ type: 'snapshot', callId, snapshot });
    return this.#records.ask((requestId) => post({ type: 'tools', callId, requestId, record }));
  }

  /** Spreads calls over the phases of the grid, so that frames of successive calls do not fall due together. */
  #createClock(open: OpenCall): PlayoutClock {
    const nowMs = monotonicMs();
    this.#phase = (this.#phase + 1) % (FRAME_MS / TICK_MS);
    const clock = new PlayoutClock({ frameMs: FRAME_MS, phaseMs: this.#phase * TICK_MS, nowMs });
    if (open.restore?.playout) clock.restore(open.restore.playout, nowMs);
    return clock;
  }

  #handedOver(callId: string, conversation: ConversationSnapshot): void {
    const requestId = this.#handOvers.get(callId);
    this.#handOvers.delete(callId);
    if (requestId !== undefined) this.#parts.post({ type: 'handed-over', requestId, conversation });
  }

  #closeCall(callId: string): void {
    const call = this.#calls.get(callId);
    if (!call) return;
    this.#calls.delete(callId);
    this.#handOvers.delete(callId);
    call.close();
    addTo(this.#ended, call);
  }

  async #beat(): Promise<void> {
    const nowMs = monotonicMs();
    this.#load.beat(this.#batcher.skipped);
    this.#effort.note(this.#load.recent);
    const snapshots = [...this.#calls].map(([callId, call]) => ({ callId, ...call.beat(nowMs) }));
    this.#parts.post({ type: 'heartbeat', snapshots, statistics: await this.#measure() });
  }

  #measure(): Promise<VoiceStatistics> {
    const [links, calls] = [[...this.#links.values()], [...this.#calls.values()]];
    return measure({ links, calls, ended: this.#ended, batcher: this.#batcher, load: this.#load });
  }

  /** Reports a failure in something that all calls share. */
  fault(code: string, fault: unknown): void {
    this.#fault(undefined, code, fault);
  }

  /** Reports a call's fault, which never ends other calls. What fails 50 times a second is reported once a second. */
  #fault(callId: string | undefined, code: string, fault: unknown): void {
    const nowMs = monotonicMs();
    if (nowMs - (this.#toldMs.get(code) ?? -Infinity) < FAULT_INTERVAL_MS) return;
    this.#toldMs.set(code, nowMs);
    const message = fault instanceof Error ? `${fault.name}: ${fault.message}` : 'unknown fault';
    this.#parts.post({ type: 'fault', code, message, ...(callId !== undefined && { callId }) });
  }
}

/** Messages that the call handles, not the worker. */
type CallOrder = Exclude<Extract<ToVoiceWorker, { callId: string }>, { type: 'move-call' | 'close-call' }>;
