/** Percentiles of a handful of measurements. */

export type Summary = { count: number; p50: number; p95: number; p99: number; max: number };

/**
 * The smallest value that at least `share` of all values do not exceed (nearest rank), so that it is one that was
 * really measured.
 * @param share 0…1
 * @returns NaN without values
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.ceil(share * sorted.length);
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1] ?? NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** Values that could not be measured (NaN) do not count. */
export function summarise(values: readonly number[]): Summary {
  const measured = values.filter((value) => !Number.isNaN(value));
  return {
    count: measured.length,
    p50: median(measured),
    p95: percentile(measured, 0.95),
    p99: percentile(measured, 0.99),
    max: percentile(measured, 1),
  };
}
