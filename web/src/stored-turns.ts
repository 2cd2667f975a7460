import type { Row } from './conversation-model.ts';
import type { Mark, Segment } from './timeline-model.ts';

/** What the page has measured and the server does not tell again: kept so that a reload shows it again. */
export type StoredTurns = {
  /** Without what was said, which the server knows. */
  rows: Omit<Row, 'text' | 'final'>[];
  segments: Segment[];
  marks: Mark[];
  /** In session time. What lasted then has no other end. */
  savedAtMs: number;
};

const key = 'parley.turns';
/** An hour has about so many; more would make each save slow, and a tab may keep 5 MB at most. */
const maxRows = 400;
/** What the timeline shows, and some more. */
const maxStretches = 100;

export function keepTurns(storage: Pick<Storage, 'setItem'>, turns: StoredTurns): void {
  const rows = turns.rows.slice(-maxRows).map(({ key: id, role, startMs, measures }) => ({
    key: id,
    role,
    startMs,
    measures,
  }));
  const segments = turns.segments.slice(-maxStretches);
  const marks = turns.marks.slice(-maxStretches);
  try {
    storage.setItem(key, JSON.stringify({ rows, segments, marks, savedAtMs: turns.savedAtMs }));
  } catch {
    // A full storage costs the figures after a reload, and nothing else.
  }
}

export function forgetTurns(storage: Pick<Storage, 'removeItem'>): void {
  storage.removeItem(key);
}

/** @returns `undefined` where there is nothing, or something else */
export function readTurns(storage: Pick<Storage, 'getItem'>): StoredTurns | undefined {
  const stored = storage.getItem(key);
  if (stored === null) return undefined;
  try {
    const turns: unknown = JSON.parse(stored);
    return isStoredTurns(turns) ? turns : undefined;
  } catch {
    return undefined;
  }
}

function isStoredTurns(value: unknown): value is StoredTurns {
  const { marks, rows, savedAtMs, segments } = fieldsOf(value);
  return (
    typeof savedAtMs === 'number' &&
    everyOne(rows, { key: 'string', role: 'string', startMs: 'number', measures: 'array' }) &&
    everyOne(segments, { lane: 'string', kind: 'string', startMs: 'number' }) &&
    everyOne(marks, { lane: 'string', atMs: 'number', label: 'string' })
  );
}

function everyOne(list: unknown, types: Record<string, string>): boolean {
  if (!Array.isArray(list)) return false;
  return list.every((item: unknown) => {
    const fields = fieldsOf(item);
    return Object.entries(types).every(([name, type]) => kindOf(fields[name]) === type);
  });
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value;
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
