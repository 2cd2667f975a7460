/** What was heard of a caller, compared with what the caller said. */
import type { Said, TurnHeard } from './impaired-call.ts';

export type TurnComparison = {
  /** Utterances of which no turn was made, or which were taken for the end of the one before. */
  missed: number;
  /** Turns of nothing, or of the second half of something. */
  extra: number;
  /** How much later than said each utterance's turn began and ended, in ms; NaN where there was not one turn of it. */
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
    if (!first) comparison.missed++;
    else comparison.extra += fitting.length - 1;
    comparison.startShiftsMs.push(first && fitting.length === 1 ? first.startMs - startMs : NaN);
    comparison.endShiftsMs.push(first && fitting.length === 1 ? first.endOfSpeechMs - endMs : NaN);
  }
  comparison.extra += turns.length - taken.size;
  return comparison;
}
