/** All calls of this process: places them on workers, routes clients' requests, and keeps calls alive when a worker dies. */
import { AgentSsrcs } from './agent-ssrcs.ts';
import { DEFAULT_ABSENCE } from './call-client.ts';
import { Call } from './call.ts';
import { CallLinks } from './call-links.ts';
import type { CallsObserver, CallsOptions, NewCall } from './calls-options.ts';
import { restore, type RestoredConversation, type SavedConversation } from './conversation/continuation.ts';
import type { EndedBy } from './conversation/conversation-events.ts';
import { reconcile } from './conversation/conversation-restore.ts';
import { MediaError } from './errors.ts';
import { RestingCalls } from './resting-calls.ts';
import type { JoinOptions, StandbyOptions } from './sfu-client.ts';
import { Sfu } from './sfu.ts';
import type { CallBeat, FromVoiceWorker, VoiceStatistics } from './workers/voice-protocol.ts';
import { VoiceWorkerPool } from './workers/voice-worker-pool.ts';

export class Calls {
  readonly #options: CallsOptions;
  readonly #calls = new Map<string, Promise<Call>>();
  readonly #open = new Map<string, Call>();
  readonly #ssrcs = new AgentSsrcs();
  readonly #resting = new RestingCalls();
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

  /** Calls that have a browser's media. */
  get peerConnections(): number {
    return [...this.#open.values()].filter((call) => call.client.isPresent).length;
  }

  get mediaWorkerPids(): number[] {
    return this.#sfu.pids;
  }

  /** While none has room, `join` refuses calls that are new with `server_busy`. A spare one replaces any that goes. */
  get voiceWorkers(): { withRoom: number; spare: boolean } {
    return { withRoom: this.#pool.withRoom, spare: this.#pool.hasSpare };
  }

  get #deaths(): number {
    return this.#sfu.restarts + this.#pool.restarts;
  }

  get restarts(): { media: number; voice: number } {
    return { media: this.#sfu.restarts, voice: this.#pool.restarts };
  }

  /** The latest statistics of each voice worker. */
  get voiceStatistics(): VoiceStatistics[] {
    return this.#pool.statistics.filter((statistics) => statistics !== undefined);
  }

  /**
   * Joins the call with this id, and opens it if there is none yet.
   * @throws {MediaError} `server_busy` also if a worker was away or died meanwhile; try again a moment later
   */
  async join(created: NewCall, request: JoinOptions, signal: AbortSignal) {
    return this.#whileWorkersStand(signal, async () => {
      const restored = created.saved ? restore(created.saved, Date.now()) : this.#resting.get(created.id);
      const call = await (this.#calls.get(created.id) ?? this.#begin(created, restored, false));
      // It was standing by for a pod that is gone.
      if (restored && !call.leads) call.takeOver(restored);
      this.#resting.forget(created.id);
      return call.join(request, signal);
    });
  }

  /**
   * Opens a call in which another pod still speaks, with media for its client. A call left over from before is ended.
   * @throws {MediaError} as `join` does, and `server_busy` if this pod is the one that speaks
   */
  async standBy(created: NewCall, request: StandbyOptions, signal: AbortSignal) {
    const { microphone, ...client } = request;
    if (this.#open.get(created.id)?.leads) throw new MediaError('server_busy', 'this pod speaks in the session');
    await this.end(created.id);
    signal.throwIfAborted();
    return this.#whileWorkersStand(signal, async () => {
      const restored = created.saved && restore(created.saved, Date.now());
      return (await this.#begin(created, restored, true)).awaitClient(client, microphone);
    });
  }

  /** As `Call.takeOver`. @throws {MediaError} `session_not_found` */
  takeOver(callId: string, saved: SavedConversation): void {
    const restored = restore(saved) ?? { conversation: reconcile(undefined, []), history: [], tools: [], elapsedMs: 0 };
    this.get(callId).takeOver(restored);
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
    const { elapsedMs = 0 } = this.#open.get(callId) ?? this.#resting.get(callId) ?? {};
    return Math.round(elapsedMs);
  }

  /** Ends a call. Idempotent. */
  async end(callId: string): Promise<void> {
    const opening = this.#calls.get(callId);
    this.#calls.delete(callId);
    this.#resting.forget(callId);
    const call = await opening?.catch(() => undefined);
    this.#open.delete(callId);
    if (!call) return;
    this.#ssrcs.free(callId);
    call.close();
    this.#pool.release(call.voiceIndex, callId);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // Calls that are still opening wait for workers that may never answer; they end when these are closed.
    await Promise.all([...this.#open.keys()].map((callId) => this.end(callId)));
    await this.#pool.close();
    this.#sfu.close();
  }

  /** The client has been gone for long: frees what the call holds, and keeps its conversation. */
  #rest(callId: string): void {
    const call = this.#open.get(callId);
    const conversation = call?.leads ? call.resting : undefined;
    void this.end(callId);
    if (conversation) this.#resting.keep(callId, conversation);
  }

  async #whileWorkersStand<Value>(signal: AbortSignal, action: () => Promise<Value>): Promise<Value> {
    const deaths = this.#deaths;
    try {
      return await action();
    } catch (error) {
      if (signal.aborted || (deaths === this.#deaths && this.#sfu.isComplete && this.#pool.isComplete)) throw error;
      throw new MediaError('server_busy', 'a worker is being replaced', { cause: error });
    }
  }

  #begin(created: NewCall, restored: RestoredConversation | undefined, standby: boolean): Promise<Call> {
    const opening = this.#openCall(created, restored, standby);
    this.#calls.set(created.id, opening);
    return opening;
  }

  async #openCall({ id, agent }: NewCall, restored: RestoredConversation | undefined, standby: boolean): Promise<Call> {
    const voiceIndex = this.#pool.leastLoaded(restored !== undefined);
    if (voiceIndex === undefined || this.#closed) {
      this.#calls.delete(id);
      throw new MediaError('server_busy', 'no voice worker runs and has room just now');
    }
    this.#pool.assign(voiceIndex, id);
    const call = new Call({
      id,
      agent,
      restored,
      standby,
      agentSsrc: this.#ssrcs.take(id),
      voiceIndex,
      mediaIndex: voiceIndex % this.#sfu.size,
      links: this.#links,
      thread: () => this.#pool.thread(voiceIndex),
      snapshot: () => this.#pool.snapshot(voiceIndex, id),
      onEvent: (event) => this.#observer?.event(id, event),
      onFlowing: (flowing) => this.#observer?.flowing(id, flowing),
      onContinuation: async (continuation) => (await this.#observer?.continuation(id, continuation)) ?? false,
      absence: this.#options.absence ?? DEFAULT_ABSENCE,
      onIdle: () => this.#rest(id),
      onExpired: () => this.#observer?.ended(id, 'expired'),
      onNotice: (code, message) => this.#options.onNotice({ code, message, callId: id }),
    });
    try {
      await call.open();
      this.#open.set(id, call);
      return call;
    } catch (error) {
      this.#calls.delete(id);
      this.#ssrcs.free(id);
      this.#pool.release(voiceIndex, id);
      throw error;
    }
  }

  readonly #onMessage = (_index: number, message: FromVoiceWorker): void => {
    if (message.type === 'event') this.#open.get(message.callId)?.noteEvent(message.event);
    else if (message.type === 'snapshot') this.#noteSnapshots([message]);
    else if (message.type === 'tools') void this.#open.get(message.callId)?.noteTools(message);
    else if (message.type === 'heartbeat') this.#noteSnapshots(message.snapshots);
    else if (message.type === 'call-ended') this.#callEnded(message.callId, message.reason);
    else if (message.type === 'fault') this.#options.onNotice(message);
  };

  #callEnded(callId: string, reason: EndedBy): void {
    if (this.#open.get(callId)?.leads) this.#observer?.ended(callId, reason);
  }

  #noteSnapshots(snapshots: (Omit<CallBeat, 'network'> & Partial<CallBeat>)[]): void {
    for (const { callId, snapshot, network } of snapshots) {
      this.#open.get(callId)?.noteSnapshot(snapshot.conversation, network);
    }
  }

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
          // One of its workers was away or died meanwhile: its replacement triggers the next attempt.
          if (workers.some((worker, place) => !worker || worker !== this.#workersOf(call)[place])) return;
          this.#options.onNotice({ code: 'call_lost', message: String(error), callId: id });
          await this.end(id);
          this.#observer?.ended(id, 'failed');
        }
      }),
    );
  }

  /** The workers that serve this call now; undefined while one is being replaced. */
  #workersOf({ voiceIndex, mediaIndex }: Call): (object | undefined)[] {
    return [this.#pool.isUp(voiceIndex) ? this.#pool.thread(voiceIndex) : undefined, this.#sfu.find(mediaIndex)];
  }
}
