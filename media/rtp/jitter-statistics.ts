/** What a jitter buffer has counted: packets since its start, over all resets. */

export type JitterStatistics = {
  received: number;
  duplicates: number;
  /** Came after they were given up. */
  late: number;
  /** Given up. */
  lost: number;
  /** Came in time, after others that follow them. */
  reordered: number;
  /** Of those the ones that came so much later that they were sent again. */
  recovered: number;
  /** Time for which packets were held back behind gaps, in ms. */
  waitedMs: number;
  /** No Opus, and concealed like lost ones. */
  invalid: number;
  restarts: number;
  concealedSamples48k: number;
};

export const noJitterStatistics = (): JitterStatistics => ({
  received: 0,
  duplicates: 0,
  late: 0,
  lost: 0,
  reordered: 0,
  recovered: 0,
  waitedMs: 0,
  invalid: 0,
  restarts: 0,
  concealedSamples48k: 0,
});
