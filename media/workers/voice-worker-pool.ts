/**
 * The voice workers of this process: watches their heartbeats, replaces those that exit or hang, and keeps what their
 * replacements need. A native crash takes the whole process with it and is not this file's business.
 */
import { monotonicMs } from '../runtime/clock.ts';
// The Opus addon leaves destructors behind for the end of each thread that used it. Loaded here too, it stays mapped
// when the last voice worker exits; otherwise those destructors are gone by then, and the process with them.
import '../audio/opus.ts';
import { OverloadWatch } from './overload.ts';
import { SpareThread } from './spare-thread.ts';
import { VoiceThread } from './voice-thread.ts';
import type { CallSnapshot, FromVoiceWorker, VoiceStatistics, VoiceWorkerData } from './voice-protocol.ts';

export type VoiceWorkerPoolEvents = {
  onMessage: (index: number, message: FromVoiceWorker) => void;
  /** A worker has gone; its calls are silent until `onReplaced`. */
  onLost: (index: number, reason: string) => void;
  /** Another worker is ready in its place and knows of nothing yet. */
  onReplaced: (index: number) => void;
};

export type VoiceWorkerPoolOptions = {
  size: number;
  data: Omit<VoiceWorkerData, 'index'>;
  /** The thread's file, for tests that add to it. */
  entry?: URL;
  /** A worker that is not ready after this, in ms, is ended and another one started. Default: 30,000. */
  startLimitMs?: number;
  /** After how long, in ms, a spare worker is started, also in the place of one that was used; `never` for none. Default: 3,000. */
  spareAfterMs?: number | 'never';
  events: VoiceWorkerPoolEvents;
};

/** Heartbeats missed before a worker counts as hung: 2.5 s at the default, which leaves 1.5 s to be back in 4 s. */
const MISSED_HEARTBEATS = 2.5;
/** Loading takes less than 1 s; a machine that is short of time may need several times that. */
const DEFAULT_START_LIMIT_MS = 30_000;
/** Checks a heartbeat interval. */
const CHECKS_PER_HEARTBEAT = 4;
/**
 * A worker is replaced at once, unless it died this soon after its start: then after a pause that doubles each time, so
 * that a fault that comes back does not eat a core.
 */
const HEALTHY_AFTER_MS = 3000;
const FIRST_PAUSE_MS = 125;
const LONGEST_PAUSE_MS = 2000;

type Slot = {
  thread: VoiceThread;
  calls: Set<string>;
  snapshots: Map<string, CallSnapshot>;
  overload: OverloadWatch;
  startedMs: number;
  up: boolean;
  /** Deaths in a row, each soon after the start. */
  earlyDeaths: number;
};

export class VoiceWorkerPool {
  readonly #options: VoiceWorkerPoolOptions;
  readonly #slots: Slot[];
  readonly #spare: SpareThread;
  readonly #watch: NodeJS.Timeout;
  #checkedMs = monotonicMs();
  #closed = false;
  /** Workers replaced so far. */
  restarts = 0;

  private constructor(options: VoiceWorkerPoolOptions) {
    this.#options = options;
    this.#spare = new SpareThread({
      start: () => this.#startThread(undefined),
      silenceLimitMs: options.data.heartbeatMs * MISSED_HEARTBEATS,
      startLimitMs: options.startLimitMs ?? DEFAULT_START_LIMIT_MS,
      ...(options.spareAfterMs !== undefined && { delayMs: options.spareAfterMs }),
    });
    this.#slots = Array.from({ length: options.size }, (_, index) => this.#startSlot(index));
    this.#watch = setInterval(() => this.#check(), options.data.heartbeatMs / CHECKS_PER_HEARTBEAT);
  }

  /** Starts all workers. @throws {MediaError} `voice_worker_unavailable` when one cannot be started */
  static async start(options: VoiceWorkerPoolOptions): Promise<VoiceWorkerPool> {
    const pool = new VoiceWorkerPool(options);
    try {
      await Promise.all(pool.#slots.map(({ thread }) => thread.ready()));
    } catch (error) {
      await pool.close();
      throw error;
    }
    for (const slot of pool.#slots) slot.up = true;
    pool.#spare.order();
    return pool;
  }

  /** Whether one that goes would be replaced without waiting for another to start. */
  get hasSpare(): boolean {
    return this.#spare.isReady;
  }

  get size(): number {
    return this.#slots.length;
  }

  /**
   * The worker with the fewest calls among those that run and may be given one.
   * @param evenOverloaded for a call that has nowhere else to go
   */
  leastLoaded(evenOverloaded = false): number | undefined {
    const nowMs = monotonicMs();
    const running = [...this.#slots.keys()].filter((index) => {
      const { up, overload } = this.#slots[index]!;
      return up && (evenOverloaded || overload.hasRoom(nowMs));
    });
    return running.sort((a, b) => this.#slots[a]!.calls.size - this.#slots[b]!.calls.size)[0];
  }

  /** Whether all run. */
  get isComplete(): boolean {
    return this.#slots.every(({ up }) => up);
  }

  /** How many run and may be given a call. */
  get withRoom(): number {
    const nowMs = monotonicMs();
    return this.#slots.filter(({ up, overload }) => up && overload.hasRoom(nowMs)).length;
  }

  /** Whether this worker runs; otherwise it is being replaced. */
  isUp(index: number): boolean {
    return this.#slots[index]!.up;
  }

  thread(index: number): VoiceThread {
    return this.#slots[index]!.thread;
  }

  /** Counts a call as this worker's. */
  assign(index: number, callId: string): void {
    this.#slots[index]!.calls.add(callId);
    this.#slots[index]!.overload.opened(callId, monotonicMs());
  }

  release(index: number, callId: string): void {
    this.#slots[index]!.calls.delete(callId);
    this.#slots[index]!.overload.closed(callId);
    this.#slots[index]!.snapshots.delete(callId);
  }

  /** How the call stood at the worker's last heartbeat. */
  snapshot(index: number, callId: string): CallSnapshot | undefined {
    return this.#slots[index]!.snapshots.get(callId);
  }

  /** The last statistics of each worker. */
  get statistics(): (VoiceStatistics | undefined)[] {
    return this.#slots.map(({ thread }) => thread.statistics);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watch);
    await Promise.all([this.#spare, ...this.#slots.map(({ thread }) => thread)].map((each) => each.close()));
  }

  #startSlot(index: number): Slot {
    const thread = this.#startThread(index);
    const overload = new OverloadWatch();
    const [calls, snapshots] = [new Set<string>(), new Map<string, CallSnapshot>()];
    return { thread, calls, snapshots, overload, startedMs: monotonicMs(), up: false, earlyDeaths: 0 };
  }

  /** @param index undefined: a spare one */
  #startThread(index: number | undefined): VoiceThread {
    const { data, entry = new URL('./voice-worker-thread.ts', import.meta.url) } = this.#options;
    const thread: VoiceThread = new VoiceThread({
      data: { ...data, ...(index !== undefined && { index }) },
      entry,
      onMessage: (message) => thread.index !== undefined && this.#onMessage(thread.index, message),
      onExit: (reason) => {
        if (!this.#spare.exited(thread) && thread.index !== undefined) this.#onExit(thread.index, reason);
      },
    });
    return thread;
  }

  #onMessage(index: number, message: FromVoiceWorker): void {
    const taken = message.type === 'heartbeat' ? message.snapshots : message.type === 'snapshot' ? [message] : [];
    const { calls, snapshots, overload } = this.#slots[index]!;
    if (message.type === 'heartbeat') overload.note(message.statistics.recent, monotonicMs());
    for (const { callId, snapshot } of taken) if (calls.has(callId)) snapshots.set(callId, snapshot);
    this.#options.events.onMessage(index, message);
  }

  #onExit(index: number, reason: string): void {
    if (this.#closed) return;
    const slot = this.#slots[index]!;
    const wasUp = slot.up;
    slot.up = false;
    this.restarts++;
    if (wasUp) this.#options.events.onLost(index, reason);
    slot.earlyDeaths = monotonicMs() - slot.startedMs > HEALTHY_AFTER_MS ? 0 : slot.earlyDeaths + 1;
    const pauseMs = slot.earlyDeaths === 0 ? 0 : FIRST_PAUSE_MS * 2 ** (slot.earlyDeaths - 1);
    setTimeout(() => void this.#replace(index), Math.min(pauseMs, LONGEST_PAUSE_MS));
  }

  async #replace(index: number): Promise<void> {
    if (this.#closed) return;
    const slot = this.#slots[index]!;
    slot.startedMs = monotonicMs();
    slot.overload = new OverloadWatch();
    for (const callId of slot.calls) slot.overload.opened(callId, slot.startedMs);
    const spare = this.#spare.take();
    spare?.serve(index);
    slot.thread = spare ?? this.#startThread(index);
    this.#spare.order();
    try {
      await slot.thread.ready();
    } catch {
      // Its exit has been reported, and another try is under way.
      return;
    }
    if (this.#closed) return;
    slot.up = true;
    this.#options.events.onReplaced(index);
  }

  #check(): void {
    const { startLimitMs = DEFAULT_START_LIMIT_MS } = this.#options;
    const { heartbeatMs } = this.#options.data;
    const nowMs = monotonicMs();
    // While this thread itself stood still no message could be taken: that is not the workers' fault.
    const ownStallMs = Math.max(0, nowMs - this.#checkedMs - (2 * heartbeatMs) / CHECKS_PER_HEARTBEAT);
    this.#checkedMs = nowMs;
    this.#spare.forgive(ownStallMs);
    this.#spare.check();
    for (const slot of this.#slots) {
      slot.thread.heardMs += ownStallMs;
      slot.startedMs += ownStallMs;
      const silentMs = nowMs - slot.thread.heardMs;
      if (slot.up && silentMs > heartbeatMs * MISSED_HEARTBEATS) {
        slot.thread.kill(`it did not answer for ${Math.round(silentMs)} ms`);
      }
      if (!slot.up && nowMs - slot.startedMs > startLimitMs)
        slot.thread.kill(`it was not ready within ${startLimitMs} ms`);
    }
  }
}
