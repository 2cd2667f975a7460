/**
 * What the caller's speech does to the agent's voice, where no recogniser says what was said: pure. Speech lowers the
 * voice, then pauses it, then ends the reply; a short noise does so only until it is over. Speech before the reply's
 * first packet holds that packet back. A recogniser's words will be further inputs here.
 */
import type { InterruptionOptions } from './agent.ts';

export type BargeInAction = 'hold' | 'release' | 'duck' | 'unduck' | 'pause' | 'resume' | 'interrupt';

export type BargeInState = 'idle' | 'held' | 'ducked' | 'paused';

export class BargeIn {
  readonly #options: InterruptionOptions;
  #state: BargeInState = 'idle';
  #pending = false;
  #audible = false;
  /** Speech of this stretch that was over before: it has been decided on and counts no more. */
  #spentMs = 0;
  #speechMs = 0;

  constructor(options: InterruptionOptions) {
    this.#options = options;
  }

  get state(): BargeInState {
    return this.#state;
  }

  /** A window of speech. @param speechMs speech in this stretch so far, pauses left out */
  speech(speechMs: number): BargeInAction | undefined {
    if (speechMs < this.#spentMs) this.#spentMs = 0;
    this.#speechMs = speechMs - this.#spentMs;
    return this.#decide();
  }

  /** A window without speech. @param silenceMs since the last window of speech @param speechMs as in `speech` */
  silence(silenceMs: number, speechMs: number): BargeInAction | undefined {
    if (silenceMs < this.#options.resumeAfterMs) return undefined;
    this.#spentMs = speechMs;
    this.#speechMs = 0;
    return this.#back();
  }

  /** The stretch of speech is over, or the caller is gone. */
  ended(): BargeInAction | undefined {
    this.#spentMs = 0;
    this.#speechMs = 0;
    return this.#back();
  }

  /** A reply is being prepared (nothing of it is heard), is audible, or there is none. */
  agent(now: 'none' | 'pending' | 'audible'): BargeInAction | undefined {
    this.#pending = now === 'pending';
    this.#audible = now === 'audible';
    if (now === 'none') this.#state = 'idle';
    return this.#decide();
  }

  #decide(): BargeInAction | undefined {
    const { enabled, duckAfterMs, pauseAfterMs, interruptAfterMs } = this.#options;
    if (!enabled || (!this.#pending && !this.#audible)) return undefined;
    if (this.#speechMs >= interruptAfterMs) return this.#to('idle', 'interrupt');
    if (this.#pending) {
      return this.#state === 'idle' && this.#speechMs >= duckAfterMs ? this.#to('held', 'hold') : undefined;
    }
    if (this.#speechMs >= pauseAfterMs) return this.#state === 'paused' ? undefined : this.#to('paused', 'pause');
    if (this.#speechMs >= duckAfterMs && this.#state === 'idle') return this.#to('ducked', 'duck');
    return undefined;
  }

  #back(): BargeInAction | undefined {
    switch (this.#state) {
      case 'held':
        return this.#to('idle', 'release');
      case 'ducked':
        return this.#to('idle', 'unduck');
      case 'paused':
        return this.#to('idle', 'resume');
      case 'idle':
        return undefined;
    }
  }

  #to(state: BargeInState, action: BargeInAction): BargeInAction {
    this.#state = state;
    if (action === 'interrupt') this.#spentMs += this.#speechMs;
    if (action === 'interrupt') this.#speechMs = 0;
    return action;
  }
}
