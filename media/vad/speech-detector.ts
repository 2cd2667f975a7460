/** Where speech starts and ends, from the probability of speech of one window after another. Pure. */
import type { EndpointingOptions } from '../agent/agent.ts';

/** Length of one window: 512 samples at 16 kHz. */
export const WINDOW_MS = 32;

/** Windows between the two thresholds in a row that a start under way outlives. More: clicks add up to speech. */
const MAX_CANDIDATE_DIPS = 1;

export type SpeechChange = 'start' | 'end';

export class SpeechDetector {
  readonly #options: Pick<EndpointingOptions, 'threshold' | 'releaseThreshold' | 'speechStartMs' | 'speechEndMs'>;
  #speaking = false;
  /** Inside speech: the last window at or above the threshold has not been followed by one below the release. */
  #voiced = false;
  #speechStartMs = -Infinity;
  #lastSpeechMs = -Infinity;
  #speechMs = 0;
  #silentWindowsMs = 0;
  #silenceMs = Infinity;
  #candidateMs = 0;
  #candidateStartMs = 0;
  #candidateEndMs = 0;
  #candidateDips = 0;

  constructor(options: EndpointingOptions) {
    this.#options = options;
  }

  /** Speech has started and not ended. */
  get speaking(): boolean {
    return this.#speaking;
  }

  /** Onset of the current or last speech: where its first window of speech begins; −∞ before any. */
  get speechStartMs(): number {
    return this.#speechStartMs;
  }

  /** Where the last window of speech ends, or the sound in it; −∞ before any. */
  get lastSpeechMs(): number {
    return this.#lastSpeechMs;
  }

  /** Windows of speech in the current or last speech, in ms: its pauses are not counted. */
  get speechMs(): number {
    return this.#speechMs;
  }

  /** Silence since the last window of speech; 0 when the last window was one, ∞ before any. */
  get silenceMs(): number {
    return this.#silenceMs;
  }

  /** Speech heard that is still too short to count; 0 when there is none, or when it has counted. */
  get candidateMs(): number {
    return this.#candidateMs;
  }

  /**
   * Takes the verdict on the window that ends at `windowEndMs`. A probability that is no number counts as silence, so
   * that a broken model cannot keep a turn open.
   * @param soundUntilMs where the sound so far ends, as far as that is known: speech ends there where its last window is longer
   */
  push(probability: number, windowEndMs: number, soundUntilMs = Infinity): SpeechChange | undefined {
    if (!this.#speaking) return this.#pushSilent(probability, windowEndMs);
    return this.#pushSpeaking(probability, windowEndMs, soundUntilMs);
  }

  /** Forgets a start that is under way. */
  resetCandidate(): void {
    this.#candidateMs = 0;
    this.#candidateDips = 0;
  }

  #pushSpeaking(probability: number, windowEndMs: number, soundUntilMs: number): SpeechChange | undefined {
    const { threshold, releaseThreshold, speechEndMs } = this.#options;
    if (windowEndMs - WINDOW_MS - this.#lastSpeechMs >= speechEndMs) {
      // Time was skipped: this window is none of the speech before it.
      this.#speaking = false;
      this.#silence(windowEndMs);
      this.#judgeCandidate(probability, windowEndMs);
      return 'end';
    }
    if (probability >= threshold) this.#voiced = true;
    else if (!(probability >= releaseThreshold)) this.#voiced = false;
    if (this.#voiced) {
      this.#speech(windowEndMs);
      return undefined;
    }
    if (this.#silentWindowsMs === 0) {
      this.#lastSpeechMs = Math.max(this.#lastSpeechMs - WINDOW_MS, Math.min(this.#lastSpeechMs, soundUntilMs));
    }
    this.#silence(windowEndMs);
    if (this.#silenceMs < speechEndMs) return undefined;
    this.#speaking = false;
    return 'end';
  }

  #pushSilent(probability: number, windowEndMs: number): SpeechChange | undefined {
    this.#silence(windowEndMs);
    this.#judgeCandidate(probability, windowEndMs);
    if (this.#candidateMs === 0 || this.#candidateMs < this.#options.speechStartMs) return undefined;
    this.#speaking = true;
    this.#voiced = true;
    this.#speechStartMs = this.#candidateStartMs;
    this.#speechMs = this.#candidateMs - WINDOW_MS;
    this.#speech(windowEndMs);
    this.resetCandidate();
    return 'start';
  }

  #judgeCandidate(probability: number, windowEndMs: number): void {
    const { threshold, releaseThreshold } = this.#options;
    const startMs = windowEndMs - WINDOW_MS;
    if (!(probability >= releaseThreshold) || startMs - this.#candidateEndMs > WINDOW_MS) this.resetCandidate();
    if (probability >= threshold) {
      if (this.#candidateMs === 0) this.#candidateStartMs = startMs;
      this.#candidateMs += WINDOW_MS;
      this.#candidateDips = 0;
      this.#candidateEndMs = windowEndMs;
    } else if (this.#candidateMs > 0 && ++this.#candidateDips <= MAX_CANDIDATE_DIPS) {
      this.#candidateEndMs = windowEndMs;
    } else this.resetCandidate();
  }

  #speech(windowEndMs: number): void {
    this.#lastSpeechMs = windowEndMs;
    this.#speechMs += WINDOW_MS;
    this.#silentWindowsMs = 0;
    this.#silenceMs = 0;
  }

  /** Silence is what the clock says, and no less than the windows heard: several may carry the same time. */
  #silence(windowEndMs: number): void {
    this.#silentWindowsMs += WINDOW_MS;
    this.#silenceMs = Math.max(this.#silentWindowsMs, windowEndMs - this.#lastSpeechMs);
  }
}
