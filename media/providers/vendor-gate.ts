/**
 * Stands before one kind of service of one vendor key: lets no call through while the service is known to be down (a
 * circuit breaker), nor more at once than the key allows. One for each kind: that a vendor's voices are down says nothing
 * about its models.
 */
import { circuitBreaker, CircuitState, ConsecutiveBreaker, DelegateBackoff, handleWhen } from 'cockatiel';
import { ProviderError, type ProviderErrorCode } from './errors.ts';
import type { VendorLimit } from './vendor-limit.ts';

export type VendorGateOptions = {
  /** Failures in a row that open the circuit. Default 3. */
  failures?: number;
  /** For this long no call goes through; it doubles with each time in a row, up to a minute. Default 5,000 ms. */
  openMs?: number;
  limit?: VendorLimit;
};

export type Refused = { refused: 'circuit-open' | 'no-capacity'; waitedMs: number };

const FAILURES = 3;
const OPEN_MS = 5_000;
const MAX_OPEN_MS = 60_000;
/** Failures of what was asked, not of whom was asked. */
const NOT_THE_VENDORS: ReadonlySet<ProviderErrorCode> = new Set(['invalid_request', 'unknown_model', 'closed']);

export class VendorGate {
  readonly #limit: VendorLimit | undefined;
  readonly #breaker: ReturnType<typeof circuitBreaker>;

  constructor({ failures = FAILURES, openMs = OPEN_MS, limit }: VendorGateOptions = {}) {
    this.#limit = limit;
    this.#breaker = circuitBreaker(handleWhen(isOfTheVendor), {
      breaker: new ConsecutiveBreaker(failures),
      halfOpenAfter: new DelegateBackoff(({ attempt, result }) => {
        const error = 'error' in result ? result.error : undefined;
        const asked = error instanceof ProviderError ? (error.retryAfterMs ?? 0) : 0;
        return Math.max(asked, Math.min(MAX_OPEN_MS, openMs * 2 ** (attempt - 1)));
      }),
    });
  }

  get open(): boolean {
    return this.#breaker.state !== CircuitState.Closed;
  }

  /**
   * @param force goes through an open circuit: there is nobody else to ask
   * @param spare tries no circuit that has been open, and takes no place that is the last one
   */
  async enter(signal: AbortSignal, { force = false, spare = false } = {}): Promise<Passage | Refused> {
    if (spare && this.open) return { refused: 'circuit-open', waitedMs: 0 };
    const passage = new Passage(this.#breaker);
    if (!passage.begin() && !force) return { refused: 'circuit-open', waitedMs: 0 };
    if (!this.#limit) return passage;
    const fromMs = performance.now();
    const release = await this.#limit.acquire(signal, { spare });
    if (release) return passage.holding(release);
    passage.left();
    return { refused: 'no-capacity', waitedMs: Math.round(performance.now() - fromMs) };
  }
}

/** One call's way through the gate. Exactly one of `succeeded`, `failed` and `left` ends it; later ones do nothing. */
export class Passage {
  readonly #breaker: ReturnType<typeof circuitBreaker>;
  readonly #outcome = Promise.withResolvers<void>();
  #release: () => void = () => undefined;

  constructor(breaker: ReturnType<typeof circuitBreaker>) {
    this.#breaker = breaker;
  }

  /** `false` where the circuit is open, or is being tried by another call. */
  begin(): boolean {
    if (this.#breaker.state === CircuitState.HalfOpen) return false;
    let begun = false;
    const run = this.#breaker.execute(() => {
      begun = true;
      return this.#outcome.promise;
    });
    run.catch(() => undefined);
    this.#outcome.promise.catch(() => undefined);
    return begun;
  }

  holding(release: () => void): this {
    this.#release = release;
    return this;
  }

  /** Where the circuit was being tried, that is answered: others need not wait for the end of this call. */
  firstResult(): void {
    if (this.#breaker.state === CircuitState.HalfOpen) this.#outcome.resolve();
  }

  succeeded(): void {
    this.#outcome.resolve();
    this.#release();
  }

  failed(error: unknown): void {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- passed on as it came
    this.#outcome.reject(error);
    this.#release();
  }

  /** The caller no longer wants it: that says nothing of the vendor. */
  left(): void {
    this.#outcome.reject(new LeftError());
    this.#release();
  }
}

class LeftError extends Error {}

function isOfTheVendor(error: unknown): boolean {
  if (error instanceof LeftError) return false;
  return !(error instanceof ProviderError && NOT_THE_VENDORS.has(error.code));
}
