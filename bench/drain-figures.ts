/** What the callers of a pod that was drained have heard, summed up. */
import { summarise, type Summary } from './percentiles.ts';
import type { Cell } from './table.ts';

/** One call; times in ms. */
export type DrainedCall = {
  /** It ended, was given up, or stands no more. */
  dropped: boolean;
  /** It was handed to the other pod while it went on. */
  moved: boolean;
  /** Longest time without the agent's voice before the drain, and from then on. */
  baselineGapMs: number;
  gapMs: number;
  /** From the signal to the moment at which the other pod was listened to. */
  movedAfterMs: number;
  /** Voice of the pod that had handed over came after that of the other one. */
  twoHeard: boolean;
};

export type DrainFigures = {
  calls: number;
  dropped: number;
  moved: number;
  twoHeard: number;
  goneAfterMs: number;
  baselineGap: Summary;
  gap: Summary;
  movedAfter: Summary;
};

export const drainFigures = (calls: readonly DrainedCall[], goneAfterMs: number): DrainFigures => {
  const count = (is: (call: DrainedCall) => boolean): number => calls.filter(is).length;
  const kept = calls.filter(({ dropped }) => !dropped);
  return {
    calls: calls.length,
    dropped: count(({ dropped }) => dropped),
    moved: count(({ moved }) => moved),
    twoHeard: count(({ twoHeard }) => twoHeard),
    goneAfterMs,
    baselineGap: summarise(calls.map(({ baselineGapMs }) => baselineGapMs)),
    gap: summarise(kept.map(({ gapMs }) => gapMs)),
    movedAfter: summarise(kept.filter(({ moved }) => moved).map(({ movedAfterMs }) => movedAfterMs)),
  };
};

export const drainRows = (figures: DrainFigures): Cell[][] => {
  const { calls, dropped, moved, twoHeard, goneAfterMs, baselineGap, gap, movedAfter } = figures;
  const row = (name: string, { p50, p95, max }: Summary): Cell[] => [name, p50, p95, max];
  const alone = (name: string, value: number): Cell[] => [name, value, '', ''];
  return [
    ['', 'p50', 'p95', 'max'],
    row("longest gap in the agent's voice, before, ms", baselineGap),
    row("longest gap in the agent's voice, drained, ms", gap),
    row('signal → other pod listened to, ms', movedAfter),
    alone('signal → process gone, ms', goneAfterMs),
    alone(`calls dropped, of ${calls}`, dropped),
    alone('calls handed over', moved),
    alone('calls in which both pods were heard', twoHeard),
  ];
};
