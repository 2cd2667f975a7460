/**
 * How a conversation stands, as data that outlives the process: written when it changes, read by the pod that goes on
 * with it. Pure; wall-clock times, for two machines have no other clock in common.
 */
import type { ConversationSnapshot } from './conversation-events.ts';
import { reconcile, type TranscriptLine } from './conversation-restore.ts';
import type { Message } from '../providers/provider.ts';
import type { ToolRecord } from '../tools/tool-ledger.ts';

/** Whoever reads another version goes by the transcript alone. */
const VERSION = 1;

/** Plain JSON of a few hundred bytes, and of some kilobytes where tools were used. */
export type Continuation = {
  version: typeof VERSION;
  conversation: ConversationSnapshot;
  /** What was done with tools, or was about to be. Absent: nothing. */
  tools?: ToolRecord;
  /** Session time when it was saved, in ms. */
  elapsedMs: number;
  /** Unix ms. */
  savedAt: number;
};

/** What was kept of a conversation; `continuation` as it was found, whoever wrote it. */
export type SavedConversation = {
  transcript: readonly TranscriptLine[];
  continuation?: Readonly<Record<string, unknown>>;
};

/** What a call goes on from. */
export type RestoredConversation = {
  conversation: ConversationSnapshot;
  history: Message[];
  tools: ToolRecord;
  /** Session time that has gone by. */
  elapsedMs: number;
};

export function continuationOf(
  conversation: ConversationSnapshot,
  tools: ToolRecord,
  elapsedMs: number,
  nowMs: number,
): Continuation {
  const done = tools.length > 0 && { tools };
  return { version: VERSION, conversation, ...done, elapsedMs: Math.round(elapsedMs), savedAt: nowMs };
}

/**
 * @param nowMs Unix ms; without it the conversation was saved just now, by a machine whose clock may be another
 * @returns undefined where nothing was said yet and nothing was saved
 */
export function restore(saved: SavedConversation, nowMs?: number): RestoredConversation | undefined {
  const { transcript } = saved;
  const continuation = read(saved.continuation);
  if (!continuation && transcript.length === 0) return undefined;
  const lastMs = Math.max(0, ...transcript.map(({ endMs }) => endMs));
  const savedAt = continuation?.savedAt ?? Infinity;
  const sinceMs = nowMs === undefined ? 0 : Math.max(0, nowMs - savedAt);
  return {
    conversation: reconcile(continuation?.conversation, transcript),
    history: transcript.map(message),
    tools: continuation?.tools ?? [],
    elapsedMs: Math.max((continuation?.elapsedMs ?? 0) + sinceMs, lastMs),
  };
}

function message({ role, text, turnId, estimated }: TranscriptLine): Message {
  if (role === 'user') return { role, text, turnId };
  return { role, text, ...(estimated && { estimated }) };
}

/** Data of another version, or none at all, is no continuation. */
function read(data: SavedConversation['continuation']): Continuation | undefined {
  if (data?.['version'] !== VERSION) return undefined;
  const { conversation, elapsedMs, savedAt } = data as Partial<Continuation>;
  const { greeted, turnIndex, turnNumber } = conversation ?? {};
  if (typeof greeted !== 'boolean' || !isCount(turnIndex) || !isCount(turnNumber)) return undefined;
  const { tools = [] } = data as Partial<Continuation>;
  return isCount(elapsedMs) && isCount(savedAt) && isToolRecord(tools) ? (data as Continuation) : undefined;
}

function isToolRecord(tools: unknown): tools is ToolRecord {
  if (!Array.isArray(tools)) return false;
  return (tools as Partial<ToolRecord[number]>[]).every(
    ({ turnId, call }) => typeof turnId === 'string' && typeof call?.id === 'string',
  );
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
