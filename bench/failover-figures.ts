/** What callers went through whose pod failed, summed up. */
import { summarise, type Summary } from './percentiles.ts';
import type { Cell } from './table.ts';

/** What becomes of the pod that leads a call. */
export const FAILOVER_KINDS = ['kill', 'kill-relayed', 'kill-silent', 'freeze', 'partition', 'redis-cut'] as const;
export type FailoverKind = (typeof FAILOVER_KINDS)[number];

/** One call; times in ms from the failure, NaN where there is nothing to be told. */
export type FailoverTrial = {
  /** The caller's first report of silence, or the loss of its connection. */
  noticedMs: number;
  /** Another connection says hello, its join is answered, and media stands: where the time goes. */
  helloMs: number;
  joinedMs: number;
  mediaMs: number;
  /** The agent's voice is heard again, from another pod. */
  voiceMs: number;
  /** As `voiceMs`, and the other pod has heard the caller speak. */
  bothMs: number;
  /** The longest time without the agent's voice, where it speaks all the time. */
  gapMs: number;
  /** Whether another pod took the session over. */
  claimed: boolean;
  /** Final lines that the caller had been told of before, and those of them that are kept. */
  linesTold: number;
  linesKept: number;
  /** Voice of the pod that failed came after that of the next one. */
  twoHeard: boolean;
};

/** The largest that are aimed at, in ms. */
const AIMS: Record<FailoverKind, { noticed: number; both: number }> = {
  kill: { noticed: NaN, both: 1200 },
  'kill-relayed': { noticed: NaN, both: 1200 },
  'kill-silent': { noticed: NaN, both: 1200 },
  freeze: { noticed: 2500, both: 4000 },
  partition: { noticed: 2500, both: 4000 },
  'redis-cut': { noticed: NaN, both: NaN },
};

export type FailoverFigures = {
  kind: FailoverKind;
  trials: number;
  /** Calls that did not come so far, and why. */
  failures: readonly string[];
  noticed: Summary;
  hello: Summary;
  joined: Summary;
  media: Summary;
  voice: Summary;
  both: Summary;
  gap: Summary;
  claimed: number;
  linesTold: number;
  linesKept: number;
  twoHeard: number;
};

export const failoverFigures = (
  kind: FailoverKind,
  trials: readonly FailoverTrial[],
  failures: readonly string[],
): FailoverFigures => {
  const times = (of: (trial: FailoverTrial) => number): Summary => summarise(trials.map(of));
  const sum = (of: (trial: FailoverTrial) => number): number => trials.reduce((all, trial) => all + of(trial), 0);
  return {
    kind,
    trials: trials.length,
    failures,
    noticed: times(({ noticedMs }) => noticedMs),
    hello: times(({ helloMs }) => helloMs),
    joined: times(({ joinedMs }) => joinedMs),
    media: times(({ mediaMs }) => mediaMs),
    voice: times(({ voiceMs }) => voiceMs),
    both: times(({ bothMs }) => bothMs),
    gap: times(({ gapMs }) => gapMs),
    claimed: sum(({ claimed }) => Number(claimed)),
    linesTold: sum(({ linesTold }) => linesTold),
    linesKept: sum(({ linesKept }) => linesKept),
    twoHeard: sum(({ twoHeard }) => Number(twoHeard)),
  };
};

export const failoverRows = (all: readonly FailoverFigures[]): Cell[][] => [
  ['ms', 'p50', 'p95', 'max', 'aim'],
  ...all.flatMap(({ kind, noticed, hello, joined, media, voice, both, gap }) => {
    const row = (what: string, { p50, p95, max }: Summary, aim = NaN): Cell[] => [
      `${kind}: ${what}`,
      p50,
      p95,
      max,
      aim,
    ];
    if (kind === 'redis-cut') return [row("longest gap in the agent's voice", gap)];
    return [
      row('noticed', noticed, AIMS[kind].noticed),
      row('another connection', hello),
      row('joined', joined),
      row('media stands', media),
      row("agent's voice again", voice),
      row('both heard again', both, AIMS[kind].both),
    ];
  }),
];

export const safetyRows = (all: readonly FailoverFigures[]): Cell[][] => [
  ['', 'calls', 'failed', 'taken over', 'lines told', 'kept', 'two heard'],
  ...all.map(({ kind, trials, failures, claimed, linesTold, linesKept, twoHeard }): Cell[] => {
    return [kind, trials + failures.length, failures.length, claimed, linesTold, linesKept, twoHeard];
  }),
];
