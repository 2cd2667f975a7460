/**
 * Decides when the caller's turn is over: pure. Delays count from the last speech frame and the largest wins; they do
 * not add. A turn model and a recogniser will be further voices in `#delayMs`; without them it is the silence alone.
 */
import type { EndpointingOptions } from './agent.ts';

export type TurnDetectorOptions = Pick<EndpointingOptions, 'speechEndMs' | 'minimumDelayMs' | 'maximumDelayMs'>;

/** A turn of the caller. Times on the clock that was handed in. */
export type TurnEnded = {
  startMs: number;
  /** From the first to the last speech frame. */
  speechMs: number;
  endOfSpeechMs: number;
  /** From the last speech frame to this decision. */
  endpointingMs: number;
};

export class TurnDetector {
  readonly #options: TurnDetectorOptions;
  #startMs: number | undefined;
  #lastSpeechMs = 0;
  #endNow = false;

  constructor(options: TurnDetectorOptions) {
    this.#options = options;
  }

  speechStarted(startMs: number, lastSpeechMs: number): void {
    this.#startMs ??= startMs;
    this.#lastSpeechMs = Math.max(this.#lastSpeechMs, lastSpeechMs);
  }

  speechActive(lastSpeechMs: number): void {
    this.#lastSpeechMs = Math.max(this.#lastSpeechMs, lastSpeechMs);
  }

  /** The caller has closed the microphone: nothing more will come. */
  mute(): void {
    this.#endNow = this.#startMs !== undefined;
  }

  /** When `poll` has something to say if nothing happens before. */
  get nextDeadlineMs(): number {
    if (this.#startMs === undefined) return Infinity;
    return this.#endNow ? -Infinity : this.#lastSpeechMs + this.#delayMs();
  }

  poll(nowMs: number): TurnEnded | undefined {
    if (this.#startMs === undefined || nowMs < this.nextDeadlineMs) return undefined;
    const startMs = this.#startMs;
    const endOfSpeechMs = this.#lastSpeechMs;
    this.reset();
    return {
      startMs,
      speechMs: endOfSpeechMs - startMs,
      endOfSpeechMs,
      endpointingMs: Math.max(0, nowMs - endOfSpeechMs),
    };
  }

  reset(): void {
    this.#startMs = undefined;
    this.#lastSpeechMs = 0;
    this.#endNow = false;
  }

  #delayMs(): number {
    const { speechEndMs, minimumDelayMs, maximumDelayMs } = this.#options;
    return Math.min(Math.max(speechEndMs, minimumDelayMs), maximumDelayMs);
  }
}
