/** Where an event stands: `epoch` rises when another server takes over, `seq` counts within an epoch. */
export type Position = { epoch: number; seq: number };

/**
 * Lets each event of a session through once, in order, and none of an owner that has been replaced: what a server that
 * was cut off still says about a call must never undo what its successor said.
 */
export class EventOrder {
  #epoch = -1;
  /** The last one let through in this epoch; `undefined` until one was. */
  #seq: number | undefined;

  /** The highest epoch seen; 0 before the first. */
  get epoch(): number {
    return Math.max(0, this.#epoch);
  }

  /** What to tell the server on a reconnection; `undefined` before the first event. */
  get lastSeen(): Position | undefined {
    return this.#seq === undefined ? undefined : { epoch: this.#epoch, seq: this.#seq };
  }

  /** An acknowledgement names an epoch as well. @returns false when it comes from an owner that has been replaced. */
  adopt(epoch: number): boolean {
    if (epoch < this.#epoch) return false;
    if (epoch > this.#epoch) {
      this.#epoch = epoch;
      this.#seq = undefined;
    }
    return true;
  }

  /** @returns whether to act on the event: false for one that was seen, overtaken, or is of a lower epoch. */
  accept(position: Position): boolean {
    if (!this.adopt(position.epoch)) return false;
    if (this.#seq !== undefined && position.seq <= this.#seq) return false;
    this.#seq = position.seq;
    return true;
  }
}
