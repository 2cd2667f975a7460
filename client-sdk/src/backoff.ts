/** Long enough for a restarting server's port to come back, too short to be noticed in a conversation. */
const firstDelayMs = 50;
/** Longer would leave a caller waiting after the server is back; shorter would load a server that comes up. */
const longestDelayMs = 1000;
/** Part of each delay that is random, so that a fleet of clients does not come back in step. */
const jitter = 0.3;

/**
 * How long to wait before an attempt to reconnect.
 *
 * @param attempt 0 for the first
 * @param random  0 ≤ random < 1
 * @returns milliseconds: 50 doubling up to 1,000, less up to 30 %
 */
export function reconnectDelayMs(attempt: number, random: number): number {
  const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(attempt, 10));
  return Math.round(delayMs * (1 - jitter * random));
}
