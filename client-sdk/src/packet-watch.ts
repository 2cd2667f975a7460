/** The server sends at least one packet each 400 ms, so this long without one means that something is broken. */
const quietMs = 1000;
/** One packet is missing at least. It may merely be lost, but the server can already look whether the call is still there. */
const suspectMs = 500;
/** Two looks further apart than this: the machine slept or the page was frozen, and nothing can be concluded. */
const pausedMs = 5000;

/** What became of the agent's packets: perhaps none any more, none for so long, or back after so long. */
export type PacketVerdict = { suspectedMs: number } | { silentMs: number } | { backAfterMs: number };

/** Notices when the agent's packets stop. Pure: counts and times come in, verdicts come out. */
export class PacketWatch {
  #packets: number | undefined;
  /** From when on a silence counts. */
  #sinceMs = 0;
  /** The last packet before a silence that was told; `undefined` while there is none. */
  #lostSinceMs: number | undefined;
  #lastLookMs = 0;
  #saidMs = 0;
  #heardMs: number | undefined;
  #suspected = false;

  /** @returns a suspicion once, a verdict after each further second without a packet, and one when packets are back. */
  look(packetsReceived: number, nowMs: number): PacketVerdict | undefined {
    const first = this.#packets === undefined;
    if (!first && nowMs - this.#lastLookMs > pausedMs) this.#startFrom(nowMs);
    this.#lastLookMs = nowMs;
    if (first || packetsReceived !== this.#packets) return this.#arrived(packetsReceived, nowMs);
    const quietForMs = nowMs - this.#sinceMs;
    if (quietForMs >= this.#saidMs + quietMs) {
      this.#saidMs = quietForMs;
      this.#lostSinceMs ??= this.#sinceMs;
      return { silentMs: nowMs - this.#lostSinceMs };
    }
    if (this.#suspected || quietForMs < suspectMs) return undefined;
    this.#suspected = true;
    return { suspectedMs: quietForMs };
  }

  /** When a look last found new packets. */
  get heardMs(): number | undefined {
    return this.#heardMs;
  }

  /** When a suspicion is due, if no packet comes until then; `undefined` where there has been one. */
  get suspicionDueMs(): number | undefined {
    return this.#suspected || this.#packets === undefined ? undefined : this.#sinceMs + suspectMs;
  }

  /** Packets are counted anew, on another connection. A silence that was told lasts until the first of them. */
  restart(nowMs: number): void {
    if (this.#packets === undefined) return;
    this.#packets = 0;
    this.#startFrom(nowMs);
  }

  #startFrom(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#saidMs = 0;
    this.#suspected = false;
  }

  #arrived(packetsReceived: number, nowMs: number): PacketVerdict | undefined {
    const lostSinceMs = this.#lostSinceMs;
    if (packetsReceived > (this.#packets ?? 0)) this.#heardMs = nowMs;
    this.#packets = packetsReceived;
    this.#lostSinceMs = undefined;
    this.#startFrom(nowMs);
    return lostSinceMs === undefined ? undefined : { backAfterMs: nowMs - lostSinceMs };
  }
}
