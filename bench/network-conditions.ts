/** The networks of `bench:network`: what happens to packets, the same in both directions. */
import type { PathOptions } from '../test/support/network-path.ts';

export type Condition = { name: string; path: PathOptions };

/** One way, in ms: a good line within a country. Retransmissions then take 40 ms, and what NACK needs beside. */
const DELAY_MS = 20;
/** One way to another continent. */
const FAR_MS = 75;

export const conditions: readonly Condition[] = [
  { name: 'clean', path: { delayMs: DELAY_MS } },
  { name: '2 % loss', path: { delayMs: DELAY_MS, lossPercent: 2 } },
  { name: '5 % loss', path: { delayMs: DELAY_MS, lossPercent: 5 } },
  { name: '10 % loss', path: { delayMs: DELAY_MS, lossPercent: 10 } },
  { name: '5 × 20 ms lost every 2 s', path: { delayMs: DELAY_MS, regularBurst: { packets: 5, everyPackets: 95 } } },
  { name: '5 % in bursts of 3', path: { delayMs: DELAY_MS, burst: { lossPercent: 5, meanPackets: 3 } } },
  { name: '100 ± 50 ms', path: { delayMs: 100, jitterMs: 50 } },
  { name: '10 % loss, 150 ms round trip', path: { delayMs: FAR_MS, lossPercent: 10 } },
];
