/** What calls have counted, added up. */
import type { VoiceCall } from './voice-call.ts';

export type Totals = {
  received: number;
  lost: number;
  recovered: number;
  concealedMs: number;
  waitedMs: number;
  sent: number;
  late5Ms: number;
  late20Ms: number;
  skipped: number;
  speculationsBegun: number;
  speculationsUsed: number;
  speculationsDiscarded: number;
};

export const noTotals = (): Totals => ({
  received: 0,
  lost: 0,
  recovered: 0,
  concealedMs: 0,
  waitedMs: 0,
  sent: 0,
  late5Ms: 0,
  late20Ms: 0,
  skipped: 0,
  speculationsBegun: 0,
  speculationsUsed: 0,
  speculationsDiscarded: 0,
});

const SAMPLES_48K_PER_MS = 48;

/** As the statistics of a worker name them. */
export function countsOf({ received, lost, recovered, sent, skipped, ...others }: Totals) {
  const packets = { packetsReceived: received, packetsLost: lost, packetsRecovered: recovered, packetsSent: sent };
  return { ...packets, skippedFrames: skipped, ...others };
}

export function addTo(totals: Totals, { statistics }: Pick<VoiceCall, 'statistics'>): void {
  const { caller, playout, speculations } = statistics;
  totals.received += caller.received;
  totals.lost += caller.lost;
  totals.recovered += caller.recovered;
  totals.concealedMs += caller.concealedSamples48k / SAMPLES_48K_PER_MS;
  totals.waitedMs += caller.waitedMs;
  totals.sent += playout.sent;
  totals.late5Ms += playout.late5Ms;
  totals.late20Ms += playout.late20Ms;
  totals.skipped += playout.skipped;
  totals.speculationsBegun += speculations.begun;
  totals.speculationsUsed += speculations.used;
  totals.speculationsDiscarded += speculations.discarded;
}
