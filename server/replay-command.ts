/**
 * `node scripts/setup.mjs replay FILE [--set turnHandling.endpointing.minimumDelayMs=500 …]`: has the parts of a journal decide again, and
 * tells whether they decide the same; with other settings, which decisions change.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { turnHandling, type TurnHandling } from '../media/agent/agent.ts';
import { changes, describeChange } from '../media/journal/decision-changes.ts';
import { encodeLine, readJournal, type ReadJournal } from '../media/journal/journal-line.ts';
import { replay } from '../media/journal/replay.ts';
import { decisionsWith, type Decision } from '../media/journal/what-if.ts';

export type ReplayResult = { text: string; exitCode: 0 | 1 | 2 };

const USAGE = 'node scripts/setup.mjs replay FILE [--set turnHandling.endpointing.minimumDelayMs=500 ...]';
/** Two times of one decision that the thread's own delays may explain. */
const CLOSE_MS = 60;

/** Exit codes: 0 equal, or changes told; 1 a difference; 2 it cannot be done, and the text says why. */
export const replayCommand = async (args: readonly string[]): Promise<ReplayResult> => {
  try {
    const options = { set: { type: 'string', multiple: true } } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const [file, ...others] = positionals;
    if (file === undefined || others.length > 0) return { text: `Usage: ${USAGE}`, exitCode: 2 };
    const journal = readJournal(await readFile(file, 'utf8'));
    return values.set === undefined ? again(journal) : otherwise(journal, values.set);
  } catch (error) {
    return { text: error instanceof Error ? error.message : 'It cannot be read.', exitCode: 2 };
  }
};

const again = (journal: ReadJournal): ReplayResult => {
  const { told, decisions, difference } = replay(journal);
  if (!difference) {
    const end = journal.end === undefined ? ' The journal has no end: its process died, or still writes.' : '';
    return { text: `Equal: ${told} inputs, ${decisions} decisions.${end}`, exitCode: 0 };
  }
  const { line, now } = difference;
  const input = `${line.part}.${line.call}(${line.with.map(encodeLine).join(', ')})`;
  const at = ((line.t - journal.opening.startedAtMs) / 1000).toFixed(3);
  const lines = [`Different after ${told} inputs, at ${at} s:`, `  ${input}`, `  then: ${encodeLine(line.gives)}`];
  return { text: [...lines, `  now:  ${encodeLine(now)}`].join('\n'), exitCode: 1 };
};

const otherwise = (journal: ReadJournal, assignments: readonly string[]): ReplayResult => {
  const recorded = journal.opening.agent.turnHandling;
  const before = decisionsWith(journal, recorded);
  const found = changes(before, decisionsWith(journal, withSettings(recorded, assignments)));
  const count = found.length === 1 ? '1 decision changes' : `${found.length} decisions change`;
  const summary = `${count} of ${before.length}. ${agreement(journal, before)}`;
  return { text: [summary, ...found.map(describeChange)].join('\n'), exitCode: 0 };
};

/** How well the model of the call follows what really happened: as far as it does, its answers can be trusted. */
const agreement = (journal: ReadJournal, modelled: readonly Decision[]): string => {
  const { startedAtMs } = journal.opening;
  const real = journal.lines.flatMap((line) => {
    if (!('part' in line) || line.gives === undefined) return [];
    if (line.part === 'turns' && line.call === 'poll') return [{ what: 'turn-ended', atMs: line.t - startedAtMs }];
    const isAction = line.part === 'bargeIn' && typeof line.gives === 'string';
    return isAction ? [{ what: line.gives, atMs: line.t - startedAtMs }] : [];
  });
  const near = ({ what, atMs }: (typeof real)[number]) =>
    modelled.some((decision) => decision.what === what && Math.abs(decision.atMs - atMs) <= CLOSE_MS);
  return `Modelled with the settings of the call, ${real.filter(near).length} of its ${real.length} decisions come out as they were.`;
};

/** @throws {Error} naming the setting that there is not, or what it may be */
const withSettings = (recorded: TurnHandling, assignments: readonly string[]): TurnHandling => {
  const settings = structuredClone(recorded) as Record<string, Record<string, unknown>>;
  for (const assignment of assignments) {
    const [, group = '', field = '', value = ''] = /^turnHandling\.(\w+)\.(\w+)=(.+)$/.exec(assignment) ?? [];
    const fields = Object.hasOwn(settings, group) ? settings[group] : undefined;
    if (!fields || !Object.hasOwn(fields, field)) throw new Error(`There is no setting ${assignment}. ${USAGE}`);
    fields[field] = value === 'true' || value === 'false' ? value === 'true' : Number(value);
  }
  const { success, data, error } = turnHandling.safeParse(settings);
  if (!success) throw new Error(z.prettifyError(error));
  return data;
};

if (import.meta.main) {
  const { text, exitCode } = await replayCommand(process.argv.slice(2));
  process.stdout.write(`${text}\n`);
  process.exitCode = exitCode;
}
