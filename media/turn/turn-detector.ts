/** When the caller's turn is over, from speech and time. Pure; times are ms on the caller's clock. */
import type { EndpointingOptions } from '../agent/agent.ts';
import { WINDOW_MS } from '../vad/speech-detector.ts';

export type TurnEnded = {
  type: 'turn-ended';
  /** Onset of the turn's first speech. */
  startMs: number;
  /** From onset to end of each stretch of speech, summed up: pauses that ended a stretch are not part of it. */
  speechMs: number;
  endOfSpeechMs: number;
  /** From the end of speech to this decision. */
  endpointingMs: number;
};

/**
 * A poll that is later than this means that the thread stood still. Smaller: busy moments look like it. Larger: a stall
 * ends turns in the middle of a word.
 */
const STALL_MS = 60;
/** After a stall, time for the packets that came meanwhile to be read and judged. */
const STALL_GRACE_MS = 60;

export class TurnDetector {
  readonly #options: EndpointingOptions;
  readonly #standardDelayMs: number;
  /** From the last speech to the end of the turn. */
  #delayMs: number;
  #running = false;
  #muted = false;
  #startMs = 0;
  /** Start of the stretch of speech that goes on now, and the length of those before it. */
  #stretchStartMs = 0;
  #earlierSpeechMs = 0;
  #lastSpeechMs = 0;
  #deadlineMs = Infinity;
  #stallForgiven = false;
  /** Speech up to here has had its turn. */
  #doneUntilMs = -Infinity;

  /** @param awaitsWords a recogniser's words decide (`vote`); without any the turn ends after the longest delay */
  constructor(options: EndpointingOptions, { awaitsWords = false } = {}) {
    this.#options = options;
    const { speechEndMs, minimumDelayMs, maximumDelayMs } = options;
    // Delays count from the last speech and the largest wins.
    const delayMs = Math.min(Math.max(speechEndMs, minimumDelayMs), maximumDelayMs);
    this.#standardDelayMs = awaitsWords ? maximumDelayMs : delayMs;
    this.#delayMs = this.#standardDelayMs;
  }

  /** How long the silence after the speech so far has to be; holds until more speech comes. */
  vote(delayMs: number): void {
    if (!this.#running || this.#muted) return;
    const { minimumDelayMs, maximumDelayMs } = this.#options;
    this.#delayMs = Math.min(Math.max(delayMs, minimumDelayMs), maximumDelayMs);
    this.#deadlineMs = this.#lastSpeechMs + this.#delayMs;
  }

  /** Speech began at `startMs`: a turn, or more of the one that runs. */
  speechStarted(startMs: number, _nowMs: number): void {
    if (this.#running) {
      this.#earlierSpeechMs += Math.max(0, this.#lastSpeechMs - this.#stretchStartMs);
    } else {
      this.#running = true;
      this.#startMs = startMs;
      this.#earlierSpeechMs = 0;
    }
    this.#stretchStartMs = startMs;
    this.#heard(startMs);
  }

  /**
   * Speech goes on, or went on until `lastSpeechMs`, which may turn out to be a little sooner than it was. Speech that is older than the last turn's end is none of the next.
   * @returns the start of a turn that begins with it: the one before ended by the words or by the clock, and the caller goes on
   */
  speechActive(lastSpeechMs: number, nowMs: number): number | undefined {
    if (this.#running) {
      if (lastSpeechMs !== this.#lastSpeechMs && lastSpeechMs > this.#stretchStartMs) this.#heard(lastSpeechMs);
      return undefined;
    }
    if (lastSpeechMs <= this.#doneUntilMs) return undefined;
    const startMs = Math.max(this.#doneUntilMs, lastSpeechMs - WINDOW_MS);
    this.speechStarted(startMs, nowMs);
    this.#heard(lastSpeechMs);
    return startMs;
  }

  /** The caller's microphone is off: the next poll ends the turn that runs, and speech still on its way begins none. */
  mute(): void {
    if (!this.#running) return;
    this.#muted = true;
    this.#deadlineMs = -Infinity;
  }

  /** When `poll` has something to decide; ∞ when no turn runs. */
  get nextDeadlineMs(): number {
    return this.#deadlineMs;
  }

  poll(nowMs: number): TurnEnded | undefined {
    if (!this.#running || nowMs < this.#deadlineMs) return undefined;
    if (!this.#muted && !this.#stallForgiven && nowMs - this.#deadlineMs > STALL_MS) {
      this.#stallForgiven = true;
      this.#deadlineMs = nowMs + STALL_GRACE_MS;
      return undefined;
    }
    return this.#end(nowMs);
  }

  #heard(lastSpeechMs: number): void {
    this.#lastSpeechMs = lastSpeechMs;
    this.#delayMs = this.#standardDelayMs;
    this.#deadlineMs = lastSpeechMs + this.#delayMs;
    this.#stallForgiven = false;
  }

  #end(nowMs: number): TurnEnded {
    this.#doneUntilMs = this.#muted ? Math.max(nowMs, this.#lastSpeechMs) : this.#lastSpeechMs;
    this.#running = false;
    this.#muted = false;
    this.#deadlineMs = Infinity;
    return {
      type: 'turn-ended',
      startMs: this.#startMs,
      speechMs: this.#earlierSpeechMs + this.#lastSpeechMs - this.#stretchStartMs,
      endOfSpeechMs: this.#lastSpeechMs,
      endpointingMs: Math.max(0, nowMs - this.#lastSpeechMs),
    };
  }
}
