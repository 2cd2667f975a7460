/**
 * How long the packets behind a gap should wait for what is missing: as long as waiting pays. What is missing comes late
 * (it was overtaken, or it is sent again a round trip later) or never; the share of either is counted, the newest first, and
 * the wait is the one that would have cost least. Pure; only packets out of order cost more than a few additions.
 */
import { timestampDistance } from './rtp.ts';

export type GapPatienceOptions = {
  /** Never waits less, in ms. Default 20: what two packets that changed places need. */
  leastMs?: number;
  /** Never waits more. Default 120: beyond it verdicts about the caller's speech would come too late to be of use. */
  mostMs?: number;
  /** Where nothing is known yet. Default 60. */
  startMs?: number;
};

/** Two polls of the worker: no wait can be timed more finely. */
const BIN_MS = 10;
/** What a frame that is made up costs, in ms of waiting. Larger: waits although few packets come. */
const CONCEALED_COST_MS = 200;
/** Of a count, for each packet that is counted after it: about 30 packets are remembered. */
const KEPT = 31 / 32;
/** A packet that comes after this much is of no use to anybody, and says nothing of the way. */
const MOST_LATE_MS = 1000;
/** A longer wait must save so much per packet: for one in fifty nobody waits. */
const LEAST_GAIN_MS = CONCEALED_COST_MS / 50;
/** Weight of `startMs` in packets. */
const START_WEIGHT = 2;
/** RFC 3550 §6.4.1. */
const JITTER_GAIN = 1 / 16;
/** A jump of the transit time by more is another clock, not jitter. */
const MOST_JITTER_MS = 500;
/** How many mean deviations a packet may be behind without having been lost. */
const DEVIATIONS = 2;
/** Whoever asks for a packet again takes at least so long to notice that it is missing. */
const LEAST_REPAIR_MS = 10;
const SAMPLES_48K_PER_MS = 48;

export class GapPatience {
  readonly #leastMs: number;
  readonly #mostMs: number;
  /** How many packets came after so many `BIN_MS`, or were not there by the longest wait. */
  readonly #came: Float64Array;
  #absent = 0;
  #paysMs: number;
  #jitterMs = 0;
  #lastArrivalMs = 0;
  #lastTimestamp = 0;
  #known = false;

  constructor({ leastMs = 20, mostMs = 120, startMs = 60 }: GapPatienceOptions = {}) {
    this.#leastMs = leastMs;
    this.#mostMs = mostMs;
    this.#paysMs = startMs;
    this.#came = new Float64Array(Math.ceil(mostMs / BIN_MS));
    const bin = Math.ceil(startMs / BIN_MS) - 1;
    if (bin >= 0 && bin < this.#came.length) this.#came[bin] = START_WEIGHT;
  }

  /** How long to wait, in ms. */
  get targetMs(): number {
    const forJitterMs = this.#leastMs + DEVIATIONS * this.#jitterMs;
    return Math.min(this.#mostMs, Math.max(this.#paysMs, forJitterMs));
  }

  /** Mean deviation of the time under way, in ms, of packets that came in their order. */
  get jitterMs(): number {
    return this.#jitterMs;
  }

  /** A packet has come in its order. */
  inOrder(rtpTimestamp: number, nowMs: number): void {
    if (this.#known) {
      const sentMs = timestampDistance(this.#lastTimestamp, rtpTimestamp) / SAMPLES_48K_PER_MS;
      const deviationMs = Math.abs(nowMs - this.#lastArrivalMs - sentMs);
      if (deviationMs <= MOST_JITTER_MS) this.#jitterMs += (deviationMs - this.#jitterMs) * JITTER_GAIN;
    }
    this.#known = true;
    this.#lastArrivalMs = nowMs;
    this.#lastTimestamp = rtpTimestamp;
  }

  /** What comes next has other timestamps. */
  restart(): void {
    this.#known = false;
  }

  /**
   * A packet that was missing has come in time, so long after it was missed.
   * @returns whether it was sent again, as far as that can be told: too late for one that was merely overtaken
   */
  filled(waitedMs: number): boolean {
    this.#count(waitedMs);
    return waitedMs >= LEAST_REPAIR_MS + DEVIATIONS * this.#jitterMs;
  }

  /** A packet was given up. */
  givenUp(): void {
    this.#age();
    this.#absent++;
    this.#choose();
  }

  /** One that was given up has come after all, so long after it was missed. */
  cameLate(waitedMs: number): void {
    if (waitedMs > MOST_LATE_MS) return;
    this.#absent = Math.max(0, this.#absent - 1);
    this.#count(waitedMs);
  }

  #count(waitedMs: number): void {
    this.#age();
    const bin = Math.floor(waitedMs / BIN_MS);
    if (bin >= 0 && bin < this.#came.length) this.#came[bin]!++;
    else this.#absent++;
    this.#choose();
  }

  #age(): void {
    for (let bin = 0; bin < this.#came.length; bin++) this.#came[bin]! *= KEPT;
    this.#absent *= KEPT;
  }

  /** The wait that would have cost least: up to the end of the last bin that is worth it. */
  #choose(): void {
    let after = this.#absent;
    for (const count of this.#came) after += count;
    const gain = after * LEAST_GAIN_MS;
    let delayMs = 0;
    let least = Infinity;
    for (let bin = 0; bin < this.#came.length; bin++) {
      const count = this.#came[bin]!;
      delayMs += count * (bin + 0.5) * BIN_MS;
      after -= count;
      const waitMs = Math.max(this.#leastMs, (bin + 1) * BIN_MS);
      const cost = delayMs + after * (waitMs + CONCEALED_COST_MS);
      if (cost > least - gain) continue;
      least = cost;
      this.#paysMs = waitMs;
    }
  }
}
