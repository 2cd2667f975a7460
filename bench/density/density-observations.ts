/** What the voice worker's thread of the density measurement is asked, and what it answers. */

/** Name of the channel to the thread. */
export const DENSITY = 'parley-bench-density';

/** `busy`: flite speaks without a pause until `calm`. */
export type ToDensityThread = { ask: 'reset' | 'observations' | 'busy' | 'calm' };

/** Since the last `reset`. */
export type DensityObservations = {
  /** Of the agents' packets, after the time at which they were due. */
  playoutLatenessMs: { p50: number; p99: number; p999: number };
  /** Their frames that were left out, because the thread had stood still when they were due. */
  skippedFrames: number;
  /**
   * From when a turn could be taken as ended (the packet that completed its last window has come, and the silence that
   * the agent waits for is over) to the first packet of the reply.
   */
  decisionToPacketMs: { count: number; p50: number; p99: number; max: number };
};
