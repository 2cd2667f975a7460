/**
 * How many calls may use a vendor's key at once. Vendors count over all who use the key, so the voice workers of all pods
 * share what is allowed evenly; each keeps to its own share without asking the others.
 */
export type VendorLimitOptions = {
  /** What the vendor allows for the key. */
  concurrent: number;
  /** Voice workers of all pods that live now, this one among them. */
  sharers: () => number;
  /** A call waits no longer than this for a place. Default 300 ms: after that another vendor is sooner. */
  maxWaitMs?: number;
};

const MAX_WAIT_MS = 300;

export class VendorLimit {
  readonly #options: VendorLimitOptions;
  readonly #waiting = new Set<() => void>();
  #used = 0;

  constructor(options: VendorLimitOptions) {
    this.#options = options;
  }

  get used(): number {
    return this.#used;
  }

  /** This worker's share; at least one, or small keys would be of use to nobody. */
  get share(): number {
    return Math.max(1, Math.floor(this.#options.concurrent / Math.max(1, this.#options.sharers())));
  }

  /**
   * Whoever gets a place gives it back by calling the function. Undefined: none came free, or `signal` aborted.
   * @param spare takes a place only where another one stays free, and does not wait
   */
  async acquire(signal: AbortSignal, { spare = false } = {}): Promise<(() => void) | undefined> {
    if (signal.aborted || (spare && this.#used + 1 >= this.share)) return undefined;
    if (this.#used < this.share) this.#used++;
    else if (!(await this.#wait(signal))) return undefined;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#used--;
      this.#admit();
    };
  }

  /** Takes the place for whoever waited longest, at once: nobody who comes in between gets it. */
  #admit(): void {
    const [first] = this.#waiting;
    if (!first || this.#used >= this.share) return;
    this.#waiting.delete(first);
    this.#used++;
    first();
  }

  async #wait(signal: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const admit = () => resolve(true);
    const giveUp = () => {
      this.#waiting.delete(admit);
      resolve(false);
    };
    const timer = setTimeout(giveUp, this.#options.maxWaitMs ?? MAX_WAIT_MS);
    signal.addEventListener('abort', giveUp, { once: true });
    this.#waiting.add(admit);
    const admitted = await promise;
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
    return admitted;
  }
}
