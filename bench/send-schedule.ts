/** When each packet of many callers is due: every caller sends one in 20 ms, and their packets are spread evenly. */

export const FRAME_MS = 20;
const RTP_SAMPLES_PER_MS = 48;

export class SendSchedule {
  readonly #calls: number;
  readonly #startMs: number;
  #next = 0;

  /** @param startMs when the first caller's first packet is due, on the monotonic clock */
  constructor(calls: number, startMs: number) {
    this.#calls = calls;
    this.#startMs = startMs;
  }

  /** Packets handed out so far. */
  get count(): number {
    return this.#next;
  }

  get nextDueMs(): number {
    return this.#startMs + (this.#next * FRAME_MS) / this.#calls;
  }

  /** The packet that is due next: whose, and which of its. */
  next(): { call: number; frame: number; dueMs: number } {
    const dueMs = this.nextDueMs;
    const call = this.#next % this.#calls;
    const frame = Math.floor(this.#next / this.#calls);
    this.#next++;
    return { call, frame, dueMs };
  }
}

/** RTP time of a packet that is due at `dueMs`: it tells whoever has the same clock when that was. */
export function timestampOf(dueMs: number): number {
  return Math.round(dueMs * RTP_SAMPLES_PER_MS) >>> 0;
}

/** How long ago the packet with this timestamp was due. */
export function msSince(rtpTimestamp: number, nowMs: number): number {
  return ((timestampOf(nowMs) - rtpTimestamp) | 0) / RTP_SAMPLES_PER_MS;
}
