/** Records of tools that the main thread was asked to keep, and that it has not answered yet. */

export class KeptRecords {
  readonly #waiting = new Map<number, (kept: boolean) => void>();
  #nextId = 1;

  /** @param send passes the record on under this number @returns whether it is kept, once that is known */
  ask(send: (requestId: number) => void): Promise<boolean> {
    const requestId = this.#nextId++;
    const kept = new Promise<boolean>((resolve) => this.#waiting.set(requestId, resolve));
    send(requestId);
    return kept;
  }

  settle(requestId: number, kept: boolean): void {
    this.#waiting.get(requestId)?.(kept);
    this.#waiting.delete(requestId);
  }
}
