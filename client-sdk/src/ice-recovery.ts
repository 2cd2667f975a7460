export type IceState = 'new' | 'connecting' | 'connected' | 'disconnected' | 'failed' | 'closed';

/** `restart`: restart ICE on both transports. `rejoin`: ask for new ones. */
export type IceAction = 'restart' | 'rejoin';

/** A moment without answers is normal on a phone; after this long a new path is looked for. */
const toleratedMs = 500;
/** A restart that has not led to a connection after this long has failed: it needs two round trips and the checks. */
const attemptMs = 3000;
const maxAttempts = 3;

/** Decides when to restart ICE and when to give a connection up. Pure: times come in, actions come out. */
export class IceRecovery {
  #attempts = 0;
  #deadlineMs: number | undefined;

  /** When to call `tick` next; `undefined` while all is well. */
  get deadlineMs(): number | undefined {
    return this.#deadlineMs;
  }

  /** The worse of the transports' states has changed. */
  change(state: IceState, nowMs: number): IceAction | undefined {
    if (state === 'connected') {
      this.#attempts = 0;
      this.#deadlineMs = undefined;
      return undefined;
    }
    if (state === 'failed') return this.#attempt(nowMs);
    if (state === 'disconnected') this.#deadlineMs ??= nowMs + toleratedMs;
    return undefined;
  }

  /** The machine has got another network: the old path is likely to be dead, whatever its state says. */
  networkChanged(nowMs: number): IceAction | undefined {
    if (this.#attempts > 0) return undefined;
    return this.#attempt(nowMs);
  }

  tick(nowMs: number): IceAction | undefined {
    if (this.#deadlineMs === undefined || nowMs < this.#deadlineMs) return undefined;
    return this.#attempt(nowMs);
  }

  /** ICE was restarted while the connection still stood: nothing is left to wait for. */
  settled(): void {
    this.#attempts = 0;
    this.#deadlineMs = undefined;
  }

  #attempt(nowMs: number): IceAction {
    if (this.#attempts === maxAttempts) {
      this.settled();
      return 'rejoin';
    }
    this.#attempts++;
    this.#deadlineMs = nowMs + attemptMs;
    return 'restart';
  }
}
