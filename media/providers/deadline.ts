/** One signal for all that may end a vendor's work: the caller who no longer wants it, and a deadline that it missed. */
import { ProviderError, type ProviderErrorCode } from './errors.ts';

/** How long a vendor may take, in milliseconds. */
export type VendorTimeouts = {
  /** Until it answers at all: the handshake of a socket, the first byte of an HTTP response's head. Default 2,000. */
  connectMs?: number;
  /** From the request to its first result. Default 4,000. Longer: more patience with a cold model, later failover. */
  firstResultMs?: number;
  /** Between two results. Default 2,000. Longer: silences in the middle of a sentence. */
  stallMs?: number;
};

export const DEFAULT_TIMEOUTS: Required<VendorTimeouts> = { connectMs: 2_000, firstResultMs: 4_000, stallMs: 2_000 };

export class Deadline {
  readonly signal: AbortSignal;
  readonly #caller: AbortSignal;
  readonly #own = new AbortController();
  readonly #provider: string;
  #timer: NodeJS.Timeout | undefined;
  #missed: ProviderError | undefined;

  constructor(provider: string, caller: AbortSignal) {
    this.#provider = provider;
    this.#caller = caller;
    this.signal = this.#own.signal;
    if (caller.aborted) this.#own.abort(caller.reason);
    caller.addEventListener('abort', this.#onCallerAbort, { once: true });
  }

  /** What was missed, if a deadline was. */
  get missed(): ProviderError | undefined {
    return this.#missed;
  }

  /** Sets the deadline for what comes next, in place of the one before. */
  expect(code: ProviderErrorCode, ms: number, what: string): void {
    clearTimeout(this.#timer);
    if (this.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#missed = new ProviderError(code, `${what} did not come within ${ms} ms`, { provider: this.#provider });
      this.#own.abort(this.#missed);
    }, ms);
  }

  /** Nothing is waited for now. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  /** Ends all work under this deadline. */
  close(): void {
    clearTimeout(this.#timer);
    this.#caller.removeEventListener('abort', this.#onCallerAbort);
    this.#own.abort();
  }

  readonly #onCallerAbort = (): void => {
    clearTimeout(this.#timer);
    this.#own.abort(this.#caller.reason);
  };
}
