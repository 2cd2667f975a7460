/** The part of the protocol that is about tools: those that the caller's page runs, and what is told of all. */
import { z } from 'zod';

/** Most levels of objects and lists in a result: what is nested thousands deep could be taken, but not be passed on. */
const RESULT_LEVELS = 32;

const callId = z.string().min(1).max(256);

export const toolAnswer = z.union(
  [
    z.strictObject({ callId, error: z.enum(['no_handler', 'failed']), message: z.string().max(2000).optional() }),
    z.strictObject({
      callId,
      /** JSON, of at most 16,384 characters; missing: there is nothing to tell. */
      result: z
        .unknown()
        .refine((value) => !isDeeperThan(value, RESULT_LEVELS), `must have at most ${RESULT_LEVELS} levels`)
        .optional(),
    }),
  ],
  { error: 'must have a callId, and either result or error (no_handler, failed)' },
);

/** How a tool went in the page: its result, or why there is none. */
export type ToolAnswer = { callId: string; result?: unknown } | ToolRefusal;
export type ToolRefusal = { callId: string; error: 'no_handler' | 'failed'; message?: string | undefined };

/** A tool that the page is to run. */
export type ToolCall = {
  /** Names the call in the session, once and for all. */
  callId: string;
  turnId: string;
  name: string;
  /** They fit the tool's schema. */
  arguments: Record<string, unknown>;
  /** For how long an answer is waited for. */
  timeoutMs: number;
  atMs: number;
};

/** Events of tools, as `SessionEvents` are. */
export type ToolEvents = {
  /** The page is to run a tool, each call once, and to answer with `tool-result`; and nobody waits for it any more. */
  'tool-call': ToolCall;
  'tool-cancel': { callId: string; atMs: number };
  /** A text for the caller to read. */
  text: { turnId: string; text: string; atMs: number };
};

/** A tool that was run. `arguments` and `result` are for the API; clients are told those of `send_text` alone. */
export type ToolUse = {
  callId: string;
  turnId: string;
  name: string;
  kind: 'http' | 'client' | 'code' | 'built-in';
  startedMs: number;
  endedMs: number;
  /** Why there is no result: a code, as the documentation of tools has them. */
  error?: string;
  arguments?: unknown;
  result?: unknown;
};

/** Level by level, since neither recursion nor `JSON.stringify` would survive what this is to find. */
function isDeeperThan(value: unknown, levels: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= levels; depth++) {
    level = level.flatMap((item): unknown[] => (typeof item === 'object' && item !== null ? Object.values(item) : []));
    if (level.length === 0) return false;
  }
  return true;
}
