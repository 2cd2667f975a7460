/** The server sends at least one packet each 400 ms, so this long without one means that something is broken. */
const quietMs = 1000;
/** Two looks further apart than this: the machine slept or the page was frozen, and nothing can be concluded. */
const pausedMs = 5000;

/** What became of the agent's packets: none for so long, or back after so long. */
export type PacketVerdict = { silentMs: number } | { backAfterMs: number };

/** Notices when the agent's packets stop. Pure: counts and times come in, verdicts come out. */
export class PacketWatch {
  #packets: number | undefined;
  #lastPacketMs = 0;
  #lastLookMs = 0;
  #saidMs = 0;

  /** @returns a verdict after each further second without a packet, and one when packets are back. */
  look(packetsReceived: number, nowMs: number): PacketVerdict | undefined {
    const first = this.#packets === undefined;
    const slept = !first && nowMs - this.#lastLookMs > pausedMs;
    this.#lastLookMs = nowMs;
    if (first || packetsReceived !== this.#packets) return this.#arrived(packetsReceived, nowMs);
    if (slept) this.#lastPacketMs = nowMs;
    const silentMs = nowMs - this.#lastPacketMs;
    if (silentMs < this.#saidMs + quietMs) return undefined;
    this.#saidMs = silentMs;
    return { silentMs };
  }

  #arrived(packetsReceived: number, nowMs: number): PacketVerdict | undefined {
    const backAfterMs = nowMs - this.#lastPacketMs;
    const wasSilent = this.#saidMs > 0;
    this.#packets = packetsReceived;
    this.#lastPacketMs = nowMs;
    this.#saidMs = 0;
    return wasSilent ? { backAfterMs } : undefined;
  }
}
