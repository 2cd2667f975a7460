/** How the caller's packets come, as the server has it from its last second or so. */
export type CallerNetwork = {
  packetsReceived: number;
  /** Never came, or too late. */
  packetsLost: number;
  /** Of what was missing, what was sent again and came in time. */
  packetsRecovered: number;
  /** Came after the server had gone on without them. */
  packetsLate: number;
  jitterMs: number;
  /** How long the server waits for a missing packet at present: 20 to 120 ms, by what has come so far. */
  waitMs: number;
  /** For how long it has waited, of all gaps together. */
  waitedMs: number;
  /** Sound that was made up for what was lost. */
  concealedMs: number;
};
