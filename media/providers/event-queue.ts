/** Events pushed by whoever receives them, iterated by whoever waits for them. */

type Waiter<T> = { resolve: (result: IteratorResult<T, undefined>) => void; reject: (error: unknown) => void };

/** Holds what has not been read yet. One reader; what is pushed after the end is dropped. */
export class EventQueue<T> implements AsyncIterable<T> {
  readonly #events: T[] = [];
  readonly #onLeave: () => void;
  #waiter: Waiter<T> | undefined;
  #end: { error?: unknown } | undefined;

  /** @param onLeave called when the reader stops before the end */
  constructor(onLeave: () => void = () => undefined) {
    this.#onLeave = onLeave;
  }

  get ended(): boolean {
    return this.#end !== undefined;
  }

  push(event: T): void {
    if (this.#end) return;
    if (this.#waiter) this.#take().resolve({ done: false, value: event });
    else this.#events.push(event);
  }

  /** What was pushed before can still be read. */
  end(): void {
    this.#finish({});
  }

  /** The reader meets the error after what was pushed before it. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  /** Ends at once: what has not been read is dropped. */
  abandon(): void {
    this.#events.length = 0;
    this.#end = {};
    if (this.#waiter) this.#take().resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return {
      next: () => this.#next(),
      return: async () => {
        this.abandon();
        this.#onLeave();
        return { done: true, value: undefined };
      },
    };
  }

  #next(): Promise<IteratorResult<T, undefined>> {
    if (this.#events.length > 0) return Promise.resolve({ done: false, value: this.#events.shift()! });
    if (this.#end) {
      const { error } = this.#end;
      this.#end = {};
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- passed on as it came
      return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  #finish(end: { error?: unknown }): void {
    if (this.#end) return;
    this.#end = end;
    if (!this.#waiter) return;
    this.#end = {};
    if (end.error === undefined) this.#take().resolve({ done: true, value: undefined });
    else this.#take().reject(end.error);
  }

  #take(): Waiter<T> {
    const waiter = this.#waiter!;
    this.#waiter = undefined;
    return waiter;
  }
}
