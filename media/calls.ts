/** All calls of this process: places them on workers, routes what clients ask, and carries them over workers' deaths. */
import { randomInt } from 'node:crypto';
import type { AgentConfig } from './agent.ts';
import type { CallEvent } from './call-events.ts';
import { Call, type MoveEvent } from './call.ts';
import { CallLinks } from './call-links.ts';
import { monotonicMs } from './clock.ts';
import { MediaError } from './errors.ts';
import type { Message } from './providers/provider.ts';
import type { JoinOptions } from './sfu-client.ts';
import { Sfu, type SfuOptions } from './sfu.ts';
import type { FromVoiceWorker, VoiceStatistics } from './voice-protocol.ts';
import { VoiceWorkerPool, type VoiceWorkerPoolOptions } from './voice-worker-pool.ts';

export type CallsObserver = {
  event: (callId: string, event: CallEvent | MoveEvent) => void;
  flowing: (callId: string, flowing: boolean) => void;
  ended: (callId: string, reason: 'failed' | 'expired') => void;
};

export type CallsOptions = {
  media: Omit<SfuOptions, 'events'>;
  voice: Omit<VoiceWorkerPoolOptions, 'events'>;
  /** Told of workers lost and of faults, never of what was said. */
  onNotice: (notice: { code: string; message: string; callId?: string }) => void;
};

/** What is needed to open a call. */
export type NewCall = { id: string; agent: AgentConfig; history: Message[] };

export class Calls {
  readonly #options: CallsOptions;
  readonly #calls = new Map<string, Promise<Call>>();
  readonly #open = new Map<string, Call>();
  /** The agent's SSRC of each call. */
  readonly #ssrcs = new Map<string, number>();
  #sfu!: Sfu;
  #pool!: VoiceWorkerPool;
  #links!: CallLinks;
  #observer: CallsObserver | undefined;
  #closed = false;

  private constructor(options: CallsOptions) {
    this.#options = options;
  }

  /** Starts all workers. @throws {MediaError} when one cannot be started; nothing is left running then. */
  static async start(options: CallsOptions): Promise<Calls> {
    const calls = new Calls(options);
    calls.#sfu = await Sfu.start({
      ...options.media,
      events: {
        onLost: (index) => void calls.#mediaWorkerLost(index),
        onReplaced: (index) => void calls.#mediaWorkerReplaced(index),
        onLog: (message) => options.onNotice({ code: 'media_worker', message }),
      },
    });
    try {
      const events = {
        onMessage: calls.#onMessage,
        onLost: calls.#voiceWorkerLost,
        onReplaced: calls.#voiceWorkerReplaced,
      };
      calls.#pool = await VoiceWorkerPool.start({ ...options.voice, events });
    } catch (error) {
      calls.#sfu.close();
      throw error;
    }
    calls.#links = new CallLinks(calls.#sfu, calls.#pool);
    return calls;
  }

  observe(observer: CallsObserver): void {
    this.#observer = observer;
  }

  get rtpCapabilities() {
    return this.#sfu.rtpCapabilities;
  }

  /** Calls with a browser's media. */
  get peerConnections(): number {
    return [...this.#open.values()].filter((call) => call.hasClient).length;
  }

  get mediaWorkerPids(): number[] {
    return this.#sfu.pids;
  }

  get #deaths(): number {
    return this.#sfu.restarts + this.#pool.restarts;
  }

  get restarts(): { media: number; voice: number } {
    return { media: this.#sfu.restarts, voice: this.#pool.restarts };
  }

  /** The last statistics of each voice worker. */
  get voiceStatistics(): VoiceStatistics[] {
    return this.#pool.statistics.filter((statistics) => statistics !== undefined);
  }

  /**
   * Joins the call of this id; opens it where there is none yet.
   * @throws {MediaError} `server_busy` also when a worker was away or died meanwhile: a moment later it can be tried again
   */
  async join(created: NewCall, request: JoinOptions, signal: AbortSignal) {
    const deaths = this.#deaths;
    let opening = this.#calls.get(created.id);
    if (!opening) {
      opening = this.#openCall(created);
      this.#calls.set(created.id, opening);
    }
    try {
      return await (await opening).join(request, signal);
    } catch (error) {
      if (signal.aborted || (deaths === this.#deaths && this.#sfu.isComplete && this.#pool.isComplete)) throw error;
      throw new MediaError('server_busy', 'a worker is being replaced', { cause: error });
    }
  }

  /** @throws {MediaError} `session_not_found` */
  get(callId: string): Call {
    const call = this.#open.get(callId);
    if (!call) throw new MediaError('session_not_found', 'there is no such call');
    return call;
  }

  find(callId: string): Call | undefined {
    return this.#open.get(callId);
  }

  elapsedMs(callId: string): number {
    const call = this.#open.get(callId);
    return call ? Math.round(monotonicMs() - call.startedAtMs) : 0;
  }

  /** Ends a call. Idempotent. */
  async end(callId: string): Promise<void> {
    const opening = this.#calls.get(callId);
    this.#calls.delete(callId);
    const call = await opening?.catch(() => undefined);
    this.#open.delete(callId);
    if (!call) return;
    this.#ssrcs.delete(callId);
    call.close();
    this.#pool.release(call.voiceIndex, callId);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // Those that are still opening wait for workers that may never answer; without these they end, too.
    await Promise.all([...this.#open.keys()].map((callId) => this.end(callId)));
    await this.#pool.close();
    this.#sfu.close();
  }

  async #openCall({ id, agent, history }: NewCall): Promise<Call> {
    const voiceIndex = this.#pool.leastLoaded();
    if (voiceIndex === undefined || this.#closed) {
      this.#calls.delete(id);
      throw new MediaError('server_busy', 'no voice worker is running just now');
    }
    this.#pool.assign(voiceIndex, id);
    const call = new Call({
      id,
      agent,
      history,
      agentSsrc: this.#newSsrc(id),
      voiceIndex,
      mediaIndex: voiceIndex % this.#sfu.size,
      links: this.#links,
      thread: () => this.#pool.thread(voiceIndex),
      snapshot: () => this.#pool.snapshot(voiceIndex, id),
      onEvent: (event) => this.#observer?.event(id, event),
      onFlowing: (flowing) => this.#observer?.flowing(id, flowing),
      onExpired: () => this.#observer?.ended(id, 'expired'),
      onNotice: (code, message) => this.#options.onNotice({ code, message, callId: id }),
    });
    try {
      await call.open();
      this.#open.set(id, call);
      return call;
    } catch (error) {
      this.#calls.delete(id);
      this.#ssrcs.delete(id);
      this.#pool.release(voiceIndex, id);
      throw error;
    }
  }

  /** SSRCs of this process's agents differ, since they share paths. */
  #newSsrc(callId: string): number {
    const used = new Set(this.#ssrcs.values());
    let ssrc = 0;
    while (ssrc === 0 || used.has(ssrc)) ssrc = randomInt(1, 0x1_0000_0000);
    this.#ssrcs.set(callId, ssrc);
    return ssrc;
  }

  readonly #onMessage = (_index: number, message: FromVoiceWorker): void => {
    if (message.type === 'event') this.#open.get(message.callId)?.noteEvent(message.event);
    else if (message.type === 'fault') {
      const { code, callId } = message;
      this.#options.onNotice({ code, message: message.message, ...(callId !== undefined && { callId }) });
    }
  };

  readonly #voiceWorkerLost = (index: number, reason: string): void => {
    this.#options.onNotice({ code: 'voice_worker_lost', message: `voice worker ${index}: ${reason}` });
  };

  readonly #voiceWorkerReplaced = async (index: number): Promise<void> => {
    await this.#links.handOver(index);
    const calls = this.#callsWhere((call) => call.voiceIndex === index);
    await this.#carryOver(calls);
    const message = `voice worker ${index} is back with ${calls.length} calls`;
    this.#options.onNotice({ code: 'voice_worker_replaced', message });
  };

  async #mediaWorkerLost(index: number): Promise<void> {
    this.#options.onNotice({ code: 'media_worker_lost', message: `media worker ${index} has died` });
    for (const [, call] of this.#callsWhere((candidate) => candidate.mediaIndex === index)) call.mediaLost();
    await this.#links.drop(index);
  }

  async #mediaWorkerReplaced(index: number): Promise<void> {
    await this.#carryOver(this.#callsWhere((call) => call.mediaIndex === index));
    this.#options.onNotice({ code: 'media_worker_replaced', message: `media worker ${index} is back` });
  }

  #callsWhere(condition: (call: Call) => boolean): [string, Call][] {
    return [...this.#open].filter(([, call]) => condition(call));
  }

  /** A call that cannot be carried over ends; the others go on. */
  async #carryOver(calls: [string, Call][]): Promise<void> {
    await Promise.all(
      calls.map(async ([id, call]) => {
        const workers = this.#workersOf(call);
        try {
          await call.carryOver();
        } catch (error) {
          // One of its workers was away, or died meanwhile: its replacement brings the next try.
          if (workers.some((worker, place) => !worker || worker !== this.#workersOf(call)[place])) return;
          this.#options.onNotice({ code: 'call_lost', message: String(error), callId: id });
          await this.end(id);
          this.#observer?.ended(id, 'failed');
        }
      }),
    );
  }

  /** Those that serve this call now; undefined: is being replaced. */
  #workersOf({ voiceIndex, mediaIndex }: Call): (object | undefined)[] {
    return [this.#pool.isUp(voiceIndex) ? this.#pool.thread(voiceIndex) : undefined, this.#sfu.find(mediaIndex)];
  }
}
