/**
 * What the caller's speech does to the agent's voice: hold, duck, pause, interrupt, and back again. Pure; it decides and
 * the caller of it acts. Without a recogniser the length of the speech is all there is to decide by. Where there is
 * one, its words are an input beside `speech`: those that are no backchannel pause or interrupt sooner, and only they
 * interrupt; the agent's own words, come back through the caller's microphone, do neither for a while.
 */
import type { InterruptionOptions } from '../agent/agent.ts';
import type { WordsKind } from './words.ts';

export type BargeInState =
  /** The voice is as it should be, or there is none. */
  | 'idle'
  /** A reply is ready or being prepared, and waits for the caller to be silent. */
  | 'held'
  | 'ducked'
  | 'paused';

export type BargeInAction = 'hold' | 'release' | 'duck' | 'unduck' | 'pause' | 'resume' | 'interrupt';

/** Speech of which the recogniser tells no word for so long interrupts all the same. Smaller: music does. */
const WORDLESS_MS = 1_500;
/** Of an echo the recogniser tells again and again that it is one; speech that goes on for longer is somebody's. */
const ECHO_MS = 700;

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

  readonly #recogniser: boolean;
  /** What was said in the speech that counts now. */
  #words: WordsKind | 'echo' = 'none';

  /** @param recogniser partial transcripts are told of (`words`) */
  constructor(options: InterruptionOptions, { recogniser = false } = {}) {
    this.#options = options;
    this.#recogniser = recogniser;
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

  /** What was said so far in this turn, whenever it has changed. */
  words(kind: WordsKind | 'echo', _nowMs: number): BargeInAction | undefined {
    this.#words = kind;
    if (!this.#options.enabled || !(this.#audible || this.#pending)) return undefined;
    if (kind === 'stop' || kind === 'other') return this.#interrupt();
    if (kind === 'echo') return this.#echoed();
    if (kind === 'beginning' && this.#audible) return this.#enter('paused', 'pause');
    return undefined;
  }

  /** So far it is the agent's own voice; what is said from now on is weighed anew. */
  #echoed(): BargeInAction | undefined {
    const brief = this.#countedMs < ECHO_MS;
    this.#countedMs = 0;
    return brief ? this.#back() : undefined;
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
    this.#words = 'none';
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
    const { enabled, duckAfterMs, pauseAfterMs } = this.#options;
    if (!enabled || !(this.#audible || this.#pending)) return undefined;
    if (this.#countedMs >= this.#interruptAfterMs) return this.#interrupt();
    if (this.#words === 'echo' && this.#countedMs < ECHO_MS) return undefined;
    if (!this.#audible) return this.#enter('held', 'hold');
    if (this.#countedMs >= pauseAfterMs) return this.#enter('paused', 'pause');
    if (this.#countedMs >= duckAfterMs) return this.#enter('ducked', 'duck');
    return undefined;
  }

  /** Where there are words, they decide. */
  get #interruptAfterMs(): number {
    if (!this.#recogniser) return this.#options.interruptAfterMs;
    return this.#words === 'none' ? Math.max(WORDLESS_MS, this.#options.interruptAfterMs) : Infinity;
  }

  #interrupt(): BargeInAction {
    this.#state = 'idle';
    this.#audible = false;
    this.#pending = false;
    return 'interrupt';
  }

  #enter(state: BargeInState, action: BargeInAction): BargeInAction | undefined {
    if (this.#state === state) return undefined;
    this.#state = state;
    return action;
  }

  /** The caller has been silent for long enough: what was said before no longer counts. */
  #quiet(): BargeInAction | undefined {
    this.#countedMs = 0;
    this.#words = 'none';
    return this.#back();
  }

  #back(): BargeInAction | undefined {
    if (this.#state === 'idle') return undefined;
    const action = WAY_BACK[this.#state];
    this.#state = 'idle';
    return action;
  }
}
