/**
 * What a process of mocha tells of itself in a whole run of the tests, at once and line by line, so that it is known how far
 * it came however it ends. `scripts/setup/run-record.mjs` reads it. As mocha's interface (`--ui`) it is the usual one, which
 * also tells which file is being loaded: one that cannot be loaded ends the process before any reporter is there.
 */
import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import Mocha from 'mocha';

/** `file` is relative to the project. */
export type RecordEntry =
  | { event: 'loads' | 'begins' | 'passed' | 'skipped'; file: string }
  | { event: 'failed'; file: string; title: string; reason: string }
  | { event: 'over' };

const { EVENT_FILE_PRE_REQUIRE } = Mocha.Suite.constants;

/** Where to, in a whole run; otherwise nothing is recorded. */
export const recordPath = process.env['TEST_RECORD'];

export function recordEntry(entry: RecordEntry): void {
  if (recordPath) appendFileSync(recordPath, `${JSON.stringify(entry)}\n`);
}

/** As mocha was told of the file: relative to the project, or what is elsewhere by its whole path. */
export function inProject(path: string): string {
  const inside = relative(process.cwd(), path);
  return inside.startsWith('..') ? path : inside;
}

export default function recordedInterface(suite: Mocha.Suite): void {
  Mocha.interfaces['bdd']?.(suite);
  suite.on(EVENT_FILE_PRE_REQUIRE, (_context, path) => recordEntry({ event: 'loads', file: inProject(path) }));
}
