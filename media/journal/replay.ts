/** Has the parts of a journal decide again what they decided in the call, and finds where they do not. Pure. */
import {
  encodeLine,
  JournalError,
  type JournalLine,
  type PartTold,
  type ReadJournal,
  type Timed,
} from './journal-line.ts';
import { isPartName, makePart } from './journal-parts.ts';

export type Replayed = {
  /** What was told to parts. */
  told: number;
  /** Of these, where something was decided. */
  decisions: number;
  /** The first line where the parts of today decide otherwise. */
  difference?: { line: Timed<PartTold>; now: unknown };
};

type Replaying = { part: Record<string, (...told: unknown[]) => unknown>; answers: unknown[] };

/** @throws {JournalError} where it tells of parts that there are not */
export function replay({ lines }: ReadJournal): Replayed {
  const parts = new Map<string, Replaying>();
  const result: Replayed = { told: 0, decisions: 0 };
  for (const line of lines) {
    if ('new' in line) parts.set(line.new, begin(line));
    if (!('part' in line)) continue;
    result.told++;
    const gave = encodeLine(line.gives);
    if (gave !== undefined && gave !== '[]') result.decisions++;
    const now = tell(parts.get(line.part), line);
    if (encodeLine(now) !== gave) return { ...result, difference: { line, now } };
  }
  return result;
}

function begin(line: Extract<JournalLine, { new: string }>): Replaying {
  if (!isPartName(line.new)) throw new JournalError(`there is no part ${line.new}`);
  const answers: unknown[] = [];
  const part = makePart(line.new, line.with as never, () => answers.shift());
  return { part: part as unknown as Replaying['part'], answers };
}

function tell(replaying: Replaying | undefined, { part, call, with: told, asked = [] }: PartTold): unknown {
  if (!replaying) throw new JournalError(`${part} is told something before it begins`);
  if (typeof replaying.part[call] !== 'function') throw new JournalError(`${part} cannot be told ${call}`);
  replaying.answers.splice(0, Infinity, ...asked);
  return replaying.part[call](...told);
}
