/** What is told of a tool that was run, in the transcript of a call. */
import type { Tool } from '../agent/tool-schema.ts';
import type { ToolEntry } from './tool-ledger.ts';

/** Times in ms of the session. */
export type ToolUse = {
  callId: string;
  turnId: string;
  name: string;
  kind: Tool['type'];
  startedMs: number;
  endedMs: number;
  /** Why there is no result. */
  error?: string;
  arguments?: unknown;
  result?: unknown;
};

/** A transcript is kept for long and read as a whole: larger values stay out of it. */
const MAX_CHARACTERS = 4_000;

export function toolUse({ turnId, call, startedMs, endedMs, outcome }: ToolEntry, kind: Tool['type']): ToolUse {
  const { id: callId, name } = call;
  const failed = outcome && 'error' in outcome;
  return {
    callId,
    turnId,
    name,
    kind,
    startedMs,
    endedMs: endedMs ?? startedMs,
    // What was shown is shown again to who reloads the page; the schema bounds it.
    arguments: kind === 'built-in' ? call.arguments : bounded(call.arguments),
    ...(failed && { error: outcome.error.code }),
    ...(outcome && { result: bounded(failed ? outcome.error : outcome.result) }),
  };
}

function bounded(value: unknown): unknown {
  const text = JSON.stringify(value) ?? 'null';
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)} … (cut short)` : (value ?? null);
}
