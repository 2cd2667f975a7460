/** How a caller's packets come, since the call was opened in its voice worker. Plain data. */
import type { JitterBuffer } from './jitter-buffer.ts';

export type CallerNetwork = {
  packetsReceived: number;
  /** Given up, and made up for where the gap was short. */
  packetsLost: number;
  /** Came in time, so late that they were sent again. */
  packetsRecovered: number;
  /** Came after they had been given up. */
  packetsLate: number;
  /** Mean deviation of the time under way. */
  jitterMs: number;
  /** How long what follows a missing packet waits for it at present. */
  waitMs: number;
  /** For how long something was held back so. */
  waitedMs: number;
  /** Sound that was made up for lost packets. */
  concealedMs: number;
};

const SAMPLES_48K_PER_MS = 48;

export function callerNetwork({ jitterMs, statistics, targetMs }: JitterBuffer): CallerNetwork {
  return {
    packetsReceived: statistics.received,
    packetsLost: statistics.lost,
    packetsRecovered: statistics.recovered,
    packetsLate: statistics.late,
    jitterMs: Math.round(jitterMs * 10) / 10,
    waitMs: Math.round(targetMs),
    waitedMs: Math.round(statistics.waitedMs),
    concealedMs: statistics.concealedSamples48k / SAMPLES_48K_PER_MS,
  };
}
