/**
 * The end of a conversation that has been going on for as long as its agent allows: announced in a pause a little before,
 * and said goodbye to. Whoever owns the session ends it at the limit, whatever is being said then. Pure; times are ms of the
 * session.
 */

export type SessionLimitOptions = {
  limitMs: number;
  /** So long before the limit it is announced; 0: not. */
  warningMs: number;
};

/** A goodbye takes a few seconds. It begins so long before the limit, in a pause … */
const GOODBYE_MS = 12_000;
/** … or so long before it, in the midst of whatever is being said. */
const LATEST_GOODBYE_MS = 7_000;

export class SessionLimit {
  readonly #warnAtMs: number;
  readonly #goodbyeAtMs: number;
  readonly #latestMs: number;
  #warned: boolean;
  #over = false;

  /** @param warned it was announced elsewhere */
  constructor({ limitMs, warningMs }: SessionLimitOptions, warned = false) {
    this.#goodbyeAtMs = limitMs - GOODBYE_MS;
    this.#latestMs = limitMs - LATEST_GOODBYE_MS;
    this.#warnAtMs = limitMs - warningMs;
    this.#warned = warned || this.#warnAtMs <= 0 || this.#warnAtMs >= this.#goodbyeAtMs;
  }

  get warned(): boolean {
    return this.#warned;
  }

  /** When `poll` has something to do. @param quiet nobody speaks or is about to */
  dueMs(quiet: boolean): number {
    if (this.#over) return Infinity;
    if (!quiet) return this.#latestMs;
    return this.#warned ? this.#goodbyeAtMs : this.#warnAtMs;
  }

  poll(quiet: boolean, nowMs: number): 'warn' | 'end' | undefined {
    if (nowMs < this.dueMs(quiet)) return undefined;
    if (nowMs >= this.#goodbyeAtMs) {
      this.#over = true;
      return 'end';
    }
    this.#warned = true;
    return 'warn';
  }
}
