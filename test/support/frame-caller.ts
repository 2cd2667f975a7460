/** A caller whose audio says when it was captured, heard through a FrameAssembler on virtual time. */
import { expect } from 'chai';
import { FrameAssembler } from '../../media/vad/frame.ts';

export const FRAME_MS = 20;
export const WINDOW_MS = 32;
export const TICK_MS = 5;
export const START_MS = 1_000_000;
export const FIRST_TIMESTAMP = 2 ** 32 - 5000;

type Window = { samples: Float32Array; endMs: number; atMs: number };

/**
 * A caller whose microphone opened at START_MS. Each millisecond that it sends is filled with its own number, from 1
 * on, so that a window tells which audio it holds; silence is 0.
 */
export class FrameCaller {
  readonly windows: Window[] = [];
  readonly frames = new FrameAssembler({
    onWindow: (window, endMs) => this.windows.push({ samples: window.slice(), endMs, atMs: this.nowMs }),
  });
  nowMs = START_MS;
  /** Whether the clock runs, as the worker's loop makes it. */
  polls = true;

  /** Time passes until `ms` after the start. */
  until(ms: number): this {
    while (this.nowMs < START_MS + ms) {
      this.nowMs += TICK_MS;
      if (this.polls && this.frames.nextDeadlineMs <= this.nowMs) this.frames.advance(this.nowMs);
    }
    return this;
  }

  /** The audio captured from `fromMs` to `toMs` after the start arrives now. */
  receive(fromMs: number, toMs: number): this {
    const samples = Int16Array.from({ length: (toMs - fromMs) * 16 }, (_, n) => fromMs + Math.floor(n / 16) + 1);
    this.frames.pcm(samples, (FIRST_TIMESTAMP + fromMs * 48) >>> 0, this.nowMs);
    return this;
  }

  /** Speech from one time to another, each packet `delayMs` after its last sample was captured, in order. */
  speak(fromMs: number, toMs: number, delayMs: (atMs: number) => number = () => 0): this {
    let earliestMs = 0;
    for (let ms = fromMs; ms < toMs; ms += FRAME_MS) {
      earliestMs = Math.max(earliestMs, ms + FRAME_MS + delayMs(ms));
      this.until(earliestMs).receive(ms, ms + FRAME_MS);
    }
    return this;
  }

  /** Ends of windows, in ms after the start. */
  get endsMs(): number[] {
    return this.windows.map(({ endMs }) => endMs - START_MS);
  }

  /** Every sample fed so far that came from the caller, as its number. */
  get heard(): number[] {
    return this.windows.flatMap(({ samples }) => [...samples].map((sample) => sample * 32_768).filter((ms) => ms > 0));
  }

  get silentSamples(): number {
    return this.windows.reduce((sum, { samples }) => sum + samples.filter((sample) => sample === 0).length, 0);
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
/** Numbers of the milliseconds from one time to another, 16 samples each. */
export const sent = (fromMs: number, toMs: number) =>
  range(fromMs, toMs).flatMap((ms) => Array<number>(16).fill(ms + 1));

/** Windows' times never turn back, and never lie in the future. */
export function expectOrder(caller: FrameCaller): void {
  for (let index = 1; index < caller.windows.length; index++) {
    expect(caller.windows[index]!.endMs).to.be.at.least(caller.windows[index - 1]!.endMs);
  }
  for (const { endMs, atMs } of caller.windows) expect(endMs).to.be.at.most(atMs + 1e-6);
}
