/**
 * What the agent does about a caller who says nothing: asks a few times, then says goodbye. Silence is counted while
 * neither side speaks nor is about to, and somebody is there to hear. Pure; times are ms of the session.
 */

export type IdleOptions = {
  /** Silence before each asking. */
  askAfterMs: number;
  /** Askings in a row. */
  times: number;
  /** Silence after the last one, before the goodbye. */
  endAfterMs: number;
};

/** What survives a voice worker or a pod. */
export type IdleSnapshot = {
  /** Askings since the caller last said something. */
  asked: number;
  /** Since when it is quiet, where it is. */
  quietSinceMs?: number;
};

export type IdleAction = { do: 'ask'; index: number; quietMs: number } | { do: 'end'; quietMs: number };

export class Idle {
  readonly #options: IdleOptions;
  #asked: number;
  #quietSinceMs: number | undefined;

  /** @param from how it stood elsewhere; with `quietSinceMs` only where the caller was there all the time */
  constructor(options: IdleOptions, from?: IdleSnapshot) {
    this.#options = options;
    this.#asked = from?.asked ?? 0;
    this.#quietSinceMs = from?.quietSinceMs;
  }

  /** Nobody speaks from now on. */
  quiet(nowMs: number): void {
    this.#quietSinceMs ??= nowMs;
  }

  /** One of both speaks or is about to, or nobody is there: silence is counted anew after that. */
  busy(): void {
    this.#quietSinceMs = undefined;
  }

  /** The caller said or typed something. A noise is nothing. */
  callerSpoke(): void {
    this.#asked = 0;
  }

  /** When `poll` has something to do; `Infinity`: as things stand, never. */
  get nextDeadlineMs(): number {
    if (this.#quietSinceMs === undefined) return Infinity;
    const { askAfterMs, endAfterMs, times } = this.#options;
    return this.#quietSinceMs + (this.#asked < times ? askAfterMs : endAfterMs);
  }

  poll(nowMs: number): IdleAction | undefined {
    if (this.#quietSinceMs === undefined || nowMs < this.nextDeadlineMs) return undefined;
    const quietMs = nowMs - this.#quietSinceMs;
    this.#quietSinceMs = undefined;
    if (this.#asked >= this.#options.times) return { do: 'end', quietMs };
    return { do: 'ask', index: this.#asked++, quietMs };
  }

  snapshot(): IdleSnapshot {
    return { asked: this.#asked, ...(this.#quietSinceMs !== undefined && { quietSinceMs: this.#quietSinceMs }) };
  }
}
