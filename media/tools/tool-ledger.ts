/**
 * What was done with tools in a conversation, by call: nothing is done twice, and what was done is told to the model. Plain
 * data, so that it outlives the process; pure, with times in ms of the session.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ModelMessage, ToolCall } from '../providers/provider.ts';
import type { ToolErrorCode } from './tool-error.ts';

export type ToolOutcome =
  { result: unknown } | { error: { code: ToolErrorCode; message: string; [more: string]: unknown } };

export type ToolEntry = {
  turnId: string;
  call: ToolCall;
  /** Running it again would do no harm. */
  idempotent: boolean;
  startedMs: number;
  endedMs?: number;
  /** Missing while it runs. */
  outcome?: ToolOutcome;
};

/** Of the latest turns, for whoever goes on with the conversation. */
export type ToolRecord = readonly ToolEntry[];

/** Entries that are kept: of a longer conversation the oldest are forgotten. */
const MAX_ENTRIES = 50;
/** Of a record as JSON. It is written whenever a tool begins and ends: larger, and the store has more to do for each. */
const MAX_RECORD_CHARACTERS = 32_768;
/** What is left of a result that would not fit. */
const CUT_CHARACTERS = 2_000;

/** After these it may have been done all the same, and an answer may still come. */
const OPEN: ReadonlySet<ToolErrorCode> = new Set(['outcome_unknown', 'no_client', 'timed_out', 'interrupted']);

const UNKNOWN: ToolOutcome = {
  error: {
    code: 'outcome_unknown',
    message: 'The connection was lost while this ran. It may have been done or not; do not repeat it without asking.',
  },
};
const RUNNING: ToolOutcome = { error: { code: 'interrupted', message: 'The caller spoke; this still runs.' } };

export class ToolLedger {
  #entries: ToolEntry[] = [];

  /** @param restored what a former worker or pod had recorded: what ran there may have been done, or not */
  constructor(restored: ToolRecord = []) {
    this.restore(restored);
  }

  /** Goes on with what was recorded elsewhere, in place of all that it has. */
  restore(restored: ToolRecord): void {
    this.#entries = restored.flatMap((entry) => {
      if (entry.outcome) return [{ ...entry }];
      return entry.idempotent ? [] : [{ ...entry, outcome: UNKNOWN }];
    });
  }

  find(turnId: string, callId: string): Readonly<ToolEntry> | undefined {
    return this.#entries.find((entry) => entry.turnId === turnId && entry.call.id === callId);
  }

  /** Of a call that says the same in the same turn, and of which nobody knows what became of it. */
  unknownOf(turnId: string, { name, arguments: args }: ToolCall): ToolOutcome | undefined {
    const same = ({ call }: ToolEntry) => call.name === name && isDeepStrictEqual(call.arguments ?? {}, args ?? {});
    const unknown = ({ idempotent, outcome }: ToolEntry) =>
      !idempotent && outcome && 'error' in outcome && outcome.error.code === 'outcome_unknown';
    return this.#entries.find((entry) => entry.turnId === turnId && unknown(entry) && same(entry))?.outcome;
  }

  started(turnId: string, call: ToolCall, idempotent: boolean, nowMs: number): void {
    this.#entries.push({ turnId, call, idempotent, startedMs: Math.round(nowMs) });
    if (this.#entries.length <= MAX_ENTRIES) return;
    const over = this.#entries.findIndex(({ outcome }) => outcome);
    this.#entries.splice(Math.max(0, over), 1);
  }

  ended(turnId: string, callId: string, outcome: ToolOutcome, nowMs: number): void {
    const entry = this.#entries.find((one) => one.turnId === turnId && one.call.id === callId);
    if (!entry) return;
    entry.outcome = outcome;
    entry.endedMs = Math.round(nowMs);
  }

  /** Nobody knew what became of a call, and now somebody does. @returns whether that was so */
  becameKnown(turnId: string, callId: string, outcome: ToolOutcome, nowMs: number): boolean {
    const known = this.find(turnId, callId)?.outcome;
    if (!known || !('error' in known) || !OPEN.has(known.error.code)) return false;
    this.ended(turnId, callId, outcome, nowMs);
    return true;
  }

  /** What a model is told of a turn's tools, after what the caller said in it. Tools that still run are said to. */
  messagesOf(turnId: string): ModelMessage[] {
    return this.#entries.filter((entry) => entry.turnId === turnId).flatMap(messages);
  }

  /** The latest entries in full, older ones with their results cut short, and none of the oldest that do not fit. */
  get record(): ToolRecord {
    let left = MAX_RECORD_CHARACTERS;
    const kept: ToolEntry[] = [];
    for (const entry of this.#entries.toReversed()) {
      const fitting = [entry, cut(entry)].find((form) => JSON.stringify(form).length <= left);
      // What still runs is never forgotten: it would be run again.
      if (!fitting && entry.outcome) break;
      const form = fitting ?? entry;
      left -= JSON.stringify(form).length;
      kept.unshift({ ...form });
    }
    return kept;
  }
}

export function resultMessage({ id, name }: ToolCall, outcome: ToolOutcome): ModelMessage {
  const result = { role: 'tool-result', callId: id, name } as const;
  return 'error' in outcome
    ? { ...result, result: outcome.error, failed: true }
    : { ...result, result: outcome.result };
}

/** One call at a time: models take that as well as several at once. */
function messages({ call, outcome = RUNNING }: ToolEntry): ModelMessage[] {
  return [{ role: 'tool-calls', calls: [call] }, resultMessage(call, outcome)];
}

function cut(entry: ToolEntry): ToolEntry {
  if (!entry.outcome || 'error' in entry.outcome) return entry;
  const text = JSON.stringify(entry.outcome.result) ?? '';
  if (text.length <= CUT_CHARACTERS) return entry;
  return { ...entry, outcome: { result: `${text.slice(0, CUT_CHARACTERS)} … (cut short)` } };
}
