/**
 * The places of this pod: how many sessions may be in a call at the same time. A place is kept for a session whose client
 * is connected, and reserved for a short while for one whose client is expected (it was just made, or just lost its
 * connection). A reservation that runs out costs the session nothing but its guarantee: it may still join if there is
 * room.
 */
export type PlacesOptions = {
  /** Most sessions at the same time. */
  capacity: number;
  /** How long a place waits for its client, in ms. Default 60 s: longer lets abandoned sessions block others. */
  reservationMs?: number;
};

const DEFAULT_RESERVATION_MS = 60_000;

export class Places {
  readonly capacity: number;
  readonly #reservationMs: number;
  /** Session id → until when its place is kept; Infinity while its client is connected. */
  readonly #keptUntil = new Map<string, number>();

  constructor({ capacity, reservationMs = DEFAULT_RESERVATION_MS }: PlacesOptions) {
    this.capacity = capacity;
    this.#reservationMs = reservationMs;
  }

  /** Keeps a place for a client that is expected. Returns false when all are taken. */
  reserve(sessionId: string, nowMs: number): boolean {
    return this.#keep(sessionId, nowMs + this.#reservationMs, nowMs);
  }

  /** Keeps a place for a client that is here. Returns false when all are taken. */
  take(sessionId: string, nowMs: number): boolean {
    return this.#keep(sessionId, Infinity, nowMs);
  }

  /** The session needs no place any more. */
  free(sessionId: string): void {
    this.#keptUntil.delete(sessionId);
  }

  occupied(nowMs: number): number {
    this.#dropOverdue(nowMs);
    return this.#keptUntil.size;
  }

  #keep(sessionId: string, untilMs: number, nowMs: number): boolean {
    this.#dropOverdue(nowMs);
    if (!this.#keptUntil.has(sessionId) && this.#keptUntil.size >= this.capacity) return false;
    this.#keptUntil.set(sessionId, untilMs);
    return true;
  }

  #dropOverdue(nowMs: number): void {
    for (const [sessionId, untilMs] of this.#keptUntil) if (untilMs <= nowMs) this.#keptUntil.delete(sessionId);
  }
}
