/** The lines of a journal: their form, to text and back. Pure. */
import type { AgentConfig } from '../agent/agent.ts';

/** Raised when a reader of the former one would misread the next. */
export const JOURNAL_VERSION = 1;

/** The first line. */
export type JournalOpening = {
  journal: typeof JOURNAL_VERSION;
  callId: string;
  /** ISO 8601. */
  savedAt: string;
  /** Start of the session on the clock of `t`. */
  startedAtMs: number;
  agent: Pick<AgentConfig, 'name' | 'turnHandling'>;
  /** Where the audio is kept, too: when both of its files begin, on the clock of `t`. */
  audio?: { startMs: number };
};

/** A part begins; of the same name, in place of the former one. */
export type PartBegun = { new: string; with: unknown };
/** A part was told something. `asked`: what it was answered to its own questions meanwhile, in order. */
export type PartTold = { part: string; call: string; with: unknown[]; asked?: unknown[]; gives?: unknown };
/** For whoever reads it; nothing is decided by it. */
export type Note =
  /** A packet of the caller: sequence number, timestamp, bytes of payload. */
  | { packet: [sequence: number, timestamp: number, bytes: number] }
  /** A piece of a reply, as the responder gave it. `speculative`: before the turn was over. */
  | { reply: { turnId: string; text: string; speculative?: true } };
/** The last line. `full`: the file had grown to its limit; `slow`: the disk did not keep up. */
export type JournalEnd = { end: 'closed' | 'full' | 'slow' };

export type JournalLine = PartBegun | PartTold | Note;
/** `t`: the worker's clock in ms, with no meaning beyond the file. */
export type Timed<Line> = Line & { t: number };
export type ReadJournal = { opening: JournalOpening; lines: Timed<JournalLine>[]; end: JournalEnd['end'] | undefined };

export class JournalError extends Error {
  override readonly name = 'JournalError';
  readonly code = 'invalid_journal';
}

/** JSON without what it lacks: numbers that are none are written as `{"number":"Infinity"}`. */
export function encodeLine(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'number' && !Number.isFinite(item) ? { number: String(item) } : item,
  );
}

export function decodeLine(text: string): unknown {
  return JSON.parse(text, (_, item: unknown) => (isOddNumber(item) ? Number(item.number) : item));
}

/** @throws {JournalError} where it is none, or of another version */
export function readJournal(text: string): ReadJournal {
  const [first, ...rest] = text.split('\n');
  const opening = decoded(first ?? '', 1) as JournalOpening;
  if (opening.journal !== JOURNAL_VERSION) {
    throw new JournalError(`this is no journal of version 1: its first line does not say so`);
  }
  const lines: Timed<JournalLine>[] = [];
  let end: JournalEnd['end'] | undefined;
  for (const [index, line] of rest.entries()) {
    // A process that was ended in the middle of a line leaves half of it, as the last one.
    if (line === '' || index === rest.length - 1) continue;
    const value = decoded(line, index + 2) as Timed<JournalLine> | JournalEnd;
    if ('end' in value) end = value.end;
    else lines.push(value);
  }
  return { opening, lines, end };
}

function decoded(line: string, number: number): object {
  try {
    const value = decodeLine(line);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Told below, with its place.
  }
  throw new JournalError(`line ${number} is no line of a journal`);
}

function isOddNumber(item: unknown): item is { number: string } {
  if (typeof item !== 'object' || item === null || !('number' in item)) return false;
  return typeof item.number === 'string' && Object.keys(item).length === 1;
}
