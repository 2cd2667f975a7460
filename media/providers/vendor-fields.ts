/** Fields of what vendors send, of which nothing is certain: what gets past here goes into conversations and clocks. */

/** @returns '' for what is missing. @throws TypeError for anything but text */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new TypeError('sent something else in place of text');
  return value;
}

/** Seconds, confidences, counts: far above all of them, and far below what calculating with them would make infinite. */
const MOST = 1e9;

/** @throws TypeError for anything but a number of a sensible size */
export function numberOf(value: unknown): number {
  if (typeof value !== 'number' || !(Math.abs(value) <= MOST)) {
    throw new TypeError('sent something else in place of a number');
  }
  return value;
}
