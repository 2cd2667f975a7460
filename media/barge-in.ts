/**
 * What the caller's speech does to the agent's voice: hold, duck, pause, interrupt, and back again. Pure; it decides and
 * the caller of it acts. Without a recogniser the length of the speech is all there is to decide by. Where there is
 * one, its partial transcripts become an input beside `speech`: words that are no backchannel pause or interrupt
 * sooner, backchannels keep `speech` from interrupting.
 */
import type { InterruptionOptions } from './agent.ts';

export type BargeInState =
  /** The voice is as it should be, or there is none. */
  | 'idle'
  /** A reply is ready or being prepared, and waits for the caller to be silent. */
  | 'held'
  | 'ducked'
  | 'paused';

export type BargeInAction = 'hold' | 'release' | 'duck' | 'unduck' | 'pause' | 'resume' | 'interrupt';

const WAY_BACK = { held: 'release', ducked: 'unduck', paused: 'resume' } as const;

export class BargeIn {
  readonly #options: InterruptionOptions;
  #state: BargeInState = 'idle';
  #audible = false;
  #pending = false;
  /** The last window was speech. */
  #speaking = false;
  /** Speech since the last silence of `resumeAfterMs`: what is weighed against the limits. */
  #countedMs = 0;
  /** What the detector had measured of its stretch of speech when it was last told. */
  #measuredMs = 0;
  #lastSpeechAtMs = -Infinity;

  constructor(options: InterruptionOptions) {
    this.#options = options;
  }

  get state(): BargeInState {
    return this.#state;
  }

  /** When `poll` has something to decide; ∞ while the voice is as it should be. */
  get nextDeadlineMs(): number {
    return this.#state === 'idle' ? Infinity : this.#lastSpeechAtMs + this.#options.resumeAfterMs;
  }

  /** A window of speech; all are told. @param speechMs speech so far in the detector's stretch of speech */
  speech(speechMs: number, nowMs: number): BargeInAction | undefined {
    // No stretch of speech is shorter than the one after it is when it is first told of: what does not grow is new.
    const addedMs = speechMs > this.#measuredMs ? speechMs - this.#measuredMs : speechMs;
    if (nowMs - this.#lastSpeechAtMs >= this.#options.resumeAfterMs) this.#countedMs = 0;
    this.#measuredMs = speechMs;
    this.#countedMs += addedMs;
    this.#lastSpeechAtMs = nowMs;
    this.#speaking = true;
    return this.#weigh();
  }

  /** A window without speech. @param silenceMs silence since the last window of speech */
  silence(silenceMs: number, _nowMs: number): BargeInAction | undefined {
    if (silenceMs > 0) this.#speaking = false;
    return silenceMs >= this.#options.resumeAfterMs ? this.#quiet() : undefined;
  }

  /** The agent's voice is on its way to the caller, or no longer. Speech that began before counts. */
  agentAudible(audible: boolean, nowMs: number): BargeInAction | undefined {
    this.#audible = audible;
    if (audible) this.#pending = false;
    if (this.#state !== 'idle' && (!audible || this.#state === 'held')) this.#state = 'idle';
    const recent = nowMs - this.#lastSpeechAtMs < this.#options.resumeAfterMs;
    return audible && recent ? this.#weigh() : undefined;
  }

  /**
   * A reply is being prepared, or no longer. While the caller speaks, its first packet is held back. Speech from before
   * is what the reply answers: it does not count against it.
   */
  agentPending(pending: boolean, _nowMs: number): BargeInAction | undefined {
    const held = this.#state === 'held';
    this.#pending = pending;
    if (held) this.#state = 'idle';
    if (!pending) return held ? 'release' : undefined;
    if (this.#audible) return undefined;
    this.#countedMs = 0;
    if (!this.#speaking || !this.#options.enabled) return undefined;
    this.#state = 'held';
    return 'hold';
  }

  /** What silence brings by the clock alone. */
  poll(nowMs: number): BargeInAction | undefined {
    if (nowMs < this.nextDeadlineMs) return undefined;
    this.#speaking = false;
    return this.#quiet();
  }

  /** Compares the speech with the limits, the largest first. */
  #weigh(): BargeInAction | undefined {
    const { enabled, duckAfterMs, pauseAfterMs, interruptAfterMs } = this.#options;
    if (!enabled || !(this.#audible || this.#pending)) return undefined;
    if (this.#countedMs >= interruptAfterMs) {
      this.#state = 'idle';
      this.#audible = false;
      this.#pending = false;
      return 'interrupt';
    }
    if (!this.#audible) return this.#enter('held', 'hold');
    if (this.#countedMs >= pauseAfterMs) return this.#enter('paused', 'pause');
    if (this.#countedMs >= duckAfterMs) return this.#enter('ducked', 'duck');
    return undefined;
  }

  #enter(state: BargeInState, action: BargeInAction): BargeInAction | undefined {
    if (this.#state === state) return undefined;
    this.#state = state;
    return action;
  }

  /** The caller has been silent for long enough: what was said before no longer counts. */
  #quiet(): BargeInAction | undefined {
    this.#countedMs = 0;
    if (this.#state === 'idle') return undefined;
    const action = WAY_BACK[this.#state];
    this.#state = 'idle';
    return action;
  }
}
