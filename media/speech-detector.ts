/**
 * Turns the VAD's probabilities into speech: pure, with hysteresis. Speech starts after `speechStartMs` of windows at or
 * above the threshold; it goes on while windows stay at or above the release threshold; it ends after `speechEndMs`
 * without one.
 */
import type { EndpointingOptions } from './agent.ts';

export type SpeechDetectorOptions = Pick<
  EndpointingOptions,
  'threshold' | 'releaseThreshold' | 'speechStartMs' | 'speechEndMs'
>;

/** One window of 512 samples at 16 kHz. */
export const WINDOW_MS = 32;

export class SpeechDetector {
  readonly #options: SpeechDetectorOptions;
  #candidateMs = 0;
  /** Beginning of the first window of speech; of the last stretch while nobody speaks. */
  speechStartMs = 0;
  /** End of the last window of speech. */
  lastSpeechMs = 0;
  /** Speech in this stretch, pauses left out; of the last stretch while nobody speaks. */
  speechMs = 0;
  /** Silence since the last window of speech, while a stretch lasts. */
  silenceMs = 0;
  speaking = false;

  constructor(options: SpeechDetectorOptions) {
    this.#options = options;
  }

  /** @param probability of speech, 0…1 @param endMs when the window's last sample was captured */
  push(probability: number, endMs: number): 'start' | 'end' | undefined {
    return this.speaking ? this.#whileSpeaking(probability, endMs) : this.#whileSilent(probability, endMs);
  }

  /** Forgets a stretch under way. */
  reset(): void {
    this.speaking = false;
    this.#candidateMs = 0;
    this.silenceMs = 0;
  }

  #whileSilent(probability: number, endMs: number): 'start' | undefined {
    const { threshold, releaseThreshold, speechStartMs } = this.#options;
    if (probability >= threshold) {
      if (this.#candidateMs === 0) this.speechStartMs = endMs - WINDOW_MS;
      this.#candidateMs += WINDOW_MS;
      this.lastSpeechMs = endMs;
    } else if (!(probability >= releaseThreshold)) this.#candidateMs = 0;
    if (this.#candidateMs < speechStartMs) return undefined;
    this.speaking = true;
    this.speechMs = this.#candidateMs;
    this.silenceMs = 0;
    this.#candidateMs = 0;
    return 'start';
  }

  #whileSpeaking(probability: number, endMs: number): 'end' | undefined {
    if (probability >= this.#options.releaseThreshold) {
      this.speechMs += WINDOW_MS;
      this.lastSpeechMs = endMs;
      this.silenceMs = 0;
      return undefined;
    }
    this.silenceMs = Math.max(0, endMs - this.lastSpeechMs);
    if (this.silenceMs < this.#options.speechEndMs) return undefined;
    this.speaking = false;
    return 'end';
  }
}
