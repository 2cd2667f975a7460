/** What a server keeps over time, and what is late: compared with how it began. Pure. */
import type { Footprint } from './footprint.ts';
import type { Kept } from './struck-server.ts';
import type { Cell } from './table.ts';

export type Possessions = Footprint & Omit<Kept, 'mediaWorkerPids'> & { redisKeys: number };

export type Comparison = { what: keyof Possessions; before: number; after: number; change: number; back: boolean };

/** What must be back where it was; memory is told with its slope, for what was compiled and cached stays. */
const EXACT: readonly (keyof Possessions)[] = [
  'threads',
  'descriptors',
  'udpPorts',
  'tcpSockets',
  'processes',
  'handles',
  'redisKeys',
];
export const MEMORY = ['heapBytes', 'voiceHeapBytes', 'residentBytes'] as const;
/** Of what there was before. */
const TOLERANCE = 0.01;

export function compare(before: Possessions, after: Possessions): Comparison[] {
  return [...EXACT, ...MEMORY].map((what) => {
    const change = after[what] - before[what];
    return { what, before: before[what], after: after[what], change, back: change <= TOLERANCE * before[what] };
  });
}

export function comparisonRows(comparisons: readonly Comparison[]): Cell[][] {
  const cell = (what: string, value: number): Cell => (what.endsWith('Bytes') ? value / 2 ** 20 : value);
  return [
    ['', 'before', 'after', 'change', ''],
    ...comparisons.map(({ what, before, after, change, back }): Cell[] => [
      what.replace('Bytes', ' (MiB)'),
      cell(what, before),
      cell(what, after),
      cell(what, change),
      back ? 'back' : 'MORE',
    ]),
  ];
}

export type StrikeKind = 'voice exit' | 'voice hang' | 'media exit' | 'media hang';

/** One worker after the other, in both orders, and each kind twice. */
export const STRIKES: readonly StrikeKind[] = [
  'voice exit',
  'media exit',
  'voice hang',
  'media hang',
  'media exit',
  'voice exit',
  'media hang',
  'voice hang',
];

/** Longest time without the agent's voice in ms, of a caller to whom it speaks all the time. */
export type Gap = { beforeMs: number; afterMs: number };

export type StrikeFigures = {
  kind: StrikeKind;
  /** Callers whose worker it was, by what they noticed. */
  own: number;
  others: number;
  ownLongestMs: number;
  othersLongestMs: number;
  withinMs: number;
};

/** An exit is noticed at once, a hang after 2 s. */
const LIMIT_MS = { exit: 1_000, hang: 4_000 };
/** A gap that is longer than any before, and than any that the machine makes, is the worker's. */
const NOTICED_MS = 250;

export function strikeFigures(kind: StrikeKind, gaps: readonly Gap[]): StrikeFigures {
  const noticed = ({ beforeMs, afterMs }: Gap) => afterMs > NOTICED_MS && afterMs > 2 * beforeMs;
  const longest = (some: readonly Gap[]) => Math.max(0, ...some.map(({ afterMs }) => afterMs));
  const own = gaps.filter(noticed);
  const others = gaps.filter((gap) => !noticed(gap));
  return {
    kind,
    own: own.length,
    others: others.length,
    ownLongestMs: longest(own),
    othersLongestMs: longest(others),
    withinMs: LIMIT_MS[kind.endsWith('exit') ? 'exit' : 'hang'],
  };
}

export function strikeRows(figures: readonly StrikeFigures[]): Cell[][] {
  return [
    ['strike', 'own calls', 'longest gap ms', 'aim', 'others', 'longest gap ms'],
    ...figures.map(({ kind, own, ownLongestMs, withinMs, others, othersLongestMs }): Cell[] => [
      kind,
      own,
      ownLongestMs,
      withinMs,
      others,
      othersLongestMs,
    ]),
  ];
}
