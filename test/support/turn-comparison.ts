/** What was heard of a caller, compared with what the caller said. */
import type { Said, TurnHeard } from './impaired-call.ts';

export type TurnComparison = {
  /** Utterances of which no turn was made, or which were taken for the end of the one before. */
  missed: number;
  /** Turns of nothing, or of the second half of something. */
  extra: number;
  /** For each utterance of which one turn was made: how much later than said it began and ended, in ms. */
  startShiftsMs: number[];
  endShiftsMs: number[];
};

/** How long before and after its utterance a turn may lie: the network's delay and the speech model's own. */
const EARLY_MS = 300;
const LATE_MS = 700;

export function compareTurns(said: readonly Said[], turns: readonly TurnHeard[]): TurnComparison {
  const comparison: TurnComparison = { missed: 0, extra: 0, startShiftsMs: [], endShiftsMs: [] };
  const taken = new Set<TurnHeard>();
  for (const { startMs, endMs } of said) {
    const fitting = turns.filter(
      (turn) => turn.endOfSpeechMs > startMs - EARLY_MS && turn.startMs < endMs + LATE_MS && !taken.has(turn),
    );
    for (const turn of fitting) taken.add(turn);
    const [first] = fitting;
    if (!first) {
      comparison.missed++;
      continue;
    }
    comparison.extra += fitting.length - 1;
    if (fitting.length > 1) continue;
    comparison.startShiftsMs.push(first.startMs - startMs);
    comparison.endShiftsMs.push(first.endOfSpeechMs - endMs);
  }
  comparison.extra += turns.length - taken.size;
  return comparison;
}
