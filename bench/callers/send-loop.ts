/** One timer that sends for all callers: each caller's frame is due once in 20 ms, and they are spread over that time. */
import { createHistogram } from 'node:perf_hooks';
import { monotonicMs } from '../../media/runtime/clock.ts';
import type { Caller } from './caller.ts';
import { FRAME_MS } from './talk-pattern.ts';

/** Timers have whole milliseconds. Frames fall due at every second one. */
export const PHASE_MS = 2;
const TICK_MS = 1;
/** A process that stood still for longer leaves out the frames of that time: a burst would be no caller's. */
const LONGEST_STALL_MS = 100;

export class SendLoop {
  readonly #phases: Set<Caller>[] = Array.from({ length: FRAME_MS / PHASE_MS }, () => new Set());
  readonly lateness = createHistogram();
  #nextMs = Math.ceil(monotonicMs() / FRAME_MS) * FRAME_MS;
  #timer: NodeJS.Timeout;
  #closed = false;
  sent = 0;
  unsent = 0;
  /** Frames of callers with media, whether a packet left with them or not. */
  frames = 0;

  constructor() {
    this.#timer = setTimeout(this.#tick, TICK_MS);
  }

  /** Where another caller finds the fewest others. */
  get freePhaseMs(): number {
    const sizes = this.#phases.map(({ size }) => size);
    return sizes.indexOf(Math.min(...sizes)) * PHASE_MS;
  }

  add(caller: Caller): void {
    this.#phases[caller.phaseMs / PHASE_MS]!.add(caller);
  }

  remove(caller: Caller): void {
    this.#phases[caller.phaseMs / PHASE_MS]!.delete(caller);
  }

  reset(): void {
    this.lateness.reset();
    this.sent = this.unsent = this.frames = 0;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  readonly #tick = (): void => {
    const nowMs = monotonicMs();
    if (nowMs - this.#nextMs > LONGEST_STALL_MS) this.#skip(nowMs);
    while (this.#nextMs <= nowMs) {
      const phase = Math.round(this.#nextMs / PHASE_MS) % this.#phases.length;
      for (const caller of this.#phases[phase]!) if (caller.live) this.#send(caller);
      this.#nextMs += PHASE_MS;
    }
    if (!this.#closed) this.#timer = setTimeout(this.#tick, TICK_MS);
  };

  #send(caller: Caller): void {
    this.frames++;
    if (caller.sendFrame(this.#nextMs) === 'nothing') return;
    this.sent++;
    this.lateness.record(Math.max(1, Math.round((monotonicMs() - this.#nextMs) * 1000)));
  }

  #skip(nowMs: number): void {
    const frames = Math.floor((nowMs - this.#nextMs) / FRAME_MS);
    for (const phase of this.#phases) for (const caller of phase) caller.skipFrames(frames);
    this.unsent += frames * this.#phases.reduce((sum, { size }) => sum + size, 0);
    this.#nextMs += frames * FRAME_MS;
  }
}
