/** What calls have counted, added up. */
import type { VoiceCall } from './voice-call.ts';

export type Totals = {
  received: number;
  lost: number;
  sent: number;
  late5Ms: number;
  late20Ms: number;
  skipped: number;
};

export const noTotals = (): Totals => ({ received: 0, lost: 0, sent: 0, late5Ms: 0, late20Ms: 0, skipped: 0 });

export function addTo(totals: Totals, { statistics: { caller, playout } }: Pick<VoiceCall, 'statistics'>): void {
  totals.received += caller.received;
  totals.lost += caller.lost;
  totals.sent += playout.sent;
  totals.late5Ms += playout.late5Ms;
  totals.late20Ms += playout.late20Ms;
  totals.skipped += playout.skipped;
}
