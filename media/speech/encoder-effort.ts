/**
 * How much work the encoders of a voice worker put into a frame: all that pays while there is time, less as it gets short.
 * Every caller's voice then has a little more noise, and the core carries more calls before any of them is late. Pure.
 */
import type { RecentLoad } from '../workers/overload.ts';

/**
 * Opus's complexities in use, with their time for a frame at 24 kHz and 32 kbit/s as a part of the first one's:
 * 1, 0.69, 0.56, 0.44 (docs/performance.md).
 */
const STEPS = [5, 2, 1, 0] as const;
export type Complexity = (typeof STEPS)[number];

/** Busier than this, or later, and the next step is taken; each brings the thread down by a fiftieth. */
const SHORT = { busy: 0.35, loopDelayP99Ms: 10 };
/** As busy as this at most, and the step before is: further below than one step brings. */
const PLENTY_BUSY = 0.2;

export class EncoderEffort {
  #step = 0;

  get complexity(): Complexity {
    return STEPS[this.#step]!;
  }

  /** A heartbeat's load: one step at a time. */
  note({ busy, loopDelayP99Ms }: Pick<RecentLoad, 'busy' | 'loopDelayP99Ms'>): void {
    const isShort = busy > SHORT.busy || (busy > PLENTY_BUSY && loopDelayP99Ms > SHORT.loopDelayP99Ms);
    if (isShort) this.#step = Math.min(this.#step + 1, STEPS.length - 1);
    else if (busy < PLENTY_BUSY) this.#step = Math.max(this.#step - 1, 0);
  }
}
