/**
 * What one direction of a network does to packets, as netem would: delay, jitter, loss, bursts of loss, reordering,
 * duplication, and a bottleneck with a queue. Pure: sizes and times come in, times of arrival come out. Which packets it
 * hits follows from the seed and the packet's number alone, so that a run can be repeated whatever the machine's timing.
 */

export type PathOptions = {
  /** The same seed hits the same packets. Default 1. */
  seed?: number;
  /** How long every packet is under way. Default 0. */
  delayMs?: number;
  /** Each packet's delay is drawn from `delayMs` ± this, evenly; packets overtake each other. Default 0. */
  jitterMs?: number;
  /** Part that is lost, each packet on its own. Default 0. */
  lossPercent?: number;
  /** Losses in a row (Gilbert's model): how much of all is lost in bursts, and their mean length in packets. */
  burst?: { lossPercent: number; meanPackets: number };
  /** Losses in a row that are all alike: so many packets, after so many that pass. */
  regularBurst?: { packets: number; everyPackets: number };
  /** Part that comes `lateMs` after its time, so that others overtake it. */
  reorder?: { percent: number; lateMs: number };
  /** Part that comes twice. Default 0. */
  duplicatePercent?: number;
  /** What gets through in a second; what would wait longer than `queueMs` in front of it is lost. */
  rate?: { kilobitsPerSecond: number; queueMs: number };
};

/**
 * A packet's number on its path, and which of its copies it is: 0 when it is sent first, 1 when it is sent again …
 * What is no media has numbers below 0.
 */
export type PacketNumber = { index: number; copy: number };

/** Streams of random numbers, one for each question, so that no answer depends on whether another one was asked. */
const DRAW = { loss: 1, burst: 2, delay: 3, reorder: 4, duplicate: 5 } as const;
/** Packets whose fate is remembered: far more than can overtake each other. */
const REMEMBERED = 4096;
const BITS_PER_BYTE = 8;

export class NetworkPath {
  readonly #options: PathOptions;
  readonly #seed: number;
  /** Whether each packet so far fell into a burst, by its number. */
  readonly #bad = new Uint8Array(REMEMBERED);
  /** Packets whose state is known, and that of the last of them. */
  #walked = 0;
  #isBad = false;
  #newest = 0;
  /** When the bottleneck has sent all that it was given. */
  #busyUntilMs = 0;
  readonly statistics = { packets: 0, lost: 0, overflowed: 0, duplicated: 0, delivered: 0 };

  constructor(options: PathOptions = {}) {
    this.#options = options;
    this.#seed = options.seed ?? 1;
  }

  /** @returns when the packet arrives, once for each time that it does; empty: it is lost. Not sorted. */
  pass(number: PacketNumber, bytes: number, nowMs: number): number[] {
    const { statistics } = this;
    statistics.packets++;
    if (this.#isLost(number)) {
      statistics.lost++;
      return [];
    }
    const leavesMs = this.#leavesMs(bytes, nowMs);
    if (leavesMs === undefined) {
      statistics.overflowed++;
      return [];
    }
    const arrivals = [leavesMs + this.#delayMs(number, 0)];
    if (this.#happens(DRAW.duplicate, number, this.#options.duplicatePercent)) {
      statistics.duplicated++;
      arrivals.push(leavesMs + this.#delayMs(number, 1));
    }
    statistics.delivered += arrivals.length;
    return arrivals;
  }

  #isLost(number: PacketNumber): boolean {
    const { lossPercent, burst, regularBurst } = this.#options;
    const isNew = number.copy === 0 && number.index >= 0;
    if (isNew) this.#newest = Math.max(this.#newest, number.index);
    if (this.#happens(DRAW.loss, number, lossPercent)) return true;
    // What is sent again, and what is no media, meets the path as the newest packet has found it.
    const index = isNew ? number.index : this.#newest;
    if (regularBurst) {
      const { packets, everyPackets } = regularBurst;
      return index % (packets + everyPackets) >= everyPackets;
    }
    return burst !== undefined && this.#isInBurst(index, burst);
  }

  /** Gilbert's two states, walked through packet by packet. */
  #isInBurst(index: number, { lossPercent, meanPackets }: NonNullable<PathOptions['burst']>): boolean {
    const endsPercent = 100 / meanPackets;
    // So that in the long run `lossPercent` of all packets meet the bad state.
    const beginsPercent = (endsPercent * lossPercent) / (100 - lossPercent);
    for (; this.#walked <= index; this.#walked++) {
      const percent = this.#isBad ? endsPercent : beginsPercent;
      if (this.#happens(DRAW.burst, { index: this.#walked, copy: 0 }, percent)) this.#isBad = !this.#isBad;
      this.#bad[this.#walked % REMEMBERED] = this.#isBad ? 1 : 0;
    }
    return this.#bad[index % REMEMBERED] === 1;
  }

  #leavesMs(bytes: number, nowMs: number): number | undefined {
    const { rate } = this.#options;
    if (!rate) return nowMs;
    const beginsMs = Math.max(nowMs, this.#busyUntilMs);
    if (beginsMs - nowMs > rate.queueMs) return undefined;
    this.#busyUntilMs = beginsMs + (bytes * BITS_PER_BYTE) / rate.kilobitsPerSecond;
    return this.#busyUntilMs;
  }

  #delayMs(number: PacketNumber, duplicate: number): number {
    const { delayMs = 0, jitterMs = 0, reorder } = this.#options;
    const spread = jitterMs * (2 * this.#random(DRAW.delay + duplicate * 16, number) - 1);
    const lateMs = reorder && this.#happens(DRAW.reorder, number, reorder.percent) ? reorder.lateMs : 0;
    return Math.max(0, delayMs + spread) + lateMs;
  }

  #happens(draw: number, number: PacketNumber, percent: number | undefined): boolean {
    return percent !== undefined && percent > 0 && this.#random(draw, number) * 100 < percent;
  }

  /** 0 ≤ x < 1: the same for the same seed, question and packet, whenever and in whichever order it is asked. */
  #random(draw: number, { index, copy }: PacketNumber): number {
    let hash = mix(this.#seed ^ Math.imul(draw, 0x9e3779b1));
    hash = mix(hash ^ index);
    return (mix(hash ^ Math.imul(copy, 0x85ebca6b)) >>> 0) / 2 ** 32;
  }
}

/** Spreads every bit of its input over all bits of its output (the finaliser of MurmurHash3, public domain). */
function mix(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
