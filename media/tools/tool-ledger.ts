/**
 * What was done with tools in a conversation, by call: nothing is done twice, and what was done is told to the model. Plain
 * data, so that it outlives the process; pure, with times in ms of the session.
 */
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

const UNKNOWN: ToolOutcome = {
  error: {
    code: 'outcome_unknown',
    message: 'The connection was lost while this ran. It may have been done or not; do not repeat it without asking.',
  },
};
const RUNNING: ToolOutcome = { error: { code: 'interrupted', message: 'The caller spoke; this still runs.' } };

export class ToolLedger {
  readonly #entries: ToolEntry[];

  /** @param restored what a former worker or pod had recorded: what ran there may have been done, or not */
  constructor(restored: ToolRecord = []) {
    this.#entries = restored.flatMap((entry) => {
      if (entry.outcome) return [entry];
      return entry.idempotent ? [] : [{ ...entry, outcome: UNKNOWN }];
    });
  }

  find(turnId: string, callId: string): Readonly<ToolEntry> | undefined {
    return this.#entries.find((entry) => entry.turnId === turnId && entry.call.id === callId);
  }

  started(turnId: string, call: ToolCall, idempotent: boolean, nowMs: number): void {
    this.#entries.push({ turnId, call, idempotent, startedMs: Math.round(nowMs) });
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift();
  }

  ended(turnId: string, callId: string, outcome: ToolOutcome, nowMs: number): void {
    const entry = this.#entries.find((one) => one.turnId === turnId && one.call.id === callId);
    if (!entry) return;
    entry.outcome = outcome;
    entry.endedMs = Math.round(nowMs);
  }

  /** What a model is told of a turn's tools, after what the caller said in it. Tools that still run are said to. */
  messagesOf(turnId: string): ModelMessage[] {
    return this.#entries.filter((entry) => entry.turnId === turnId).flatMap(messages);
  }

  get record(): ToolRecord {
    return this.#entries.map((entry) => ({ ...entry }));
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
