/**
 * Work for every call of a thread, done a slice at a time, so that the thread can read packets in between. The next slice
 * goes on where the last one stopped: where there is too much to do, all calls wait alike. Pure.
 */

export class WorkRound {
  readonly #sliceMs: number;
  readonly #now: () => number;
  readonly #calls: string[] = [];
  #next = 0;

  /** @param sliceMs after so much work the thread has its event loop back; a call's work is never divided */
  constructor(sliceMs: number, now: () => number) {
    this.#sliceMs = sliceMs;
    this.#now = now;
  }

  get isDone(): boolean {
    return this.#next >= this.#calls.length;
  }

  /** Another round, for these calls. */
  begin(callIds: Iterable<string>): void {
    this.#calls.length = 0;
    for (const callId of callIds) this.#calls.push(callId);
    this.#next = 0;
  }

  /** Works for one call after another until the slice is over. @returns whether the round is done */
  slice(work: (callId: string) => void): boolean {
    const endMs = this.#now() + this.#sliceMs;
    while (!this.isDone) {
      work(this.#calls[this.#next++]!);
      if (this.#now() >= endMs) break;
    }
    return this.isDone;
  }
}
