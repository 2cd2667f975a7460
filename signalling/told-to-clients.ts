/** What of a conversation is for the API alone, taken out of what clients are told. Pure. */
import type { CallEvent } from './call-control.ts';
import type { TranscriptEntry } from './protocol.ts';
import type { ToolUse } from './tool-messages.ts';

/** An integrator's tools may be given, and answer, what is none of the caller's business. */
export const forClient = (event: CallEvent): CallEvent =>
  event.name === 'transcript' ? { name: 'transcript', data: entryForClient(event.data) } : event;

export const entryForClient = (entry: TranscriptEntry): TranscriptEntry =>
  entry.tools === undefined ? entry : { ...entry, tools: entry.tools.map(toolForClient) };

const toolForClient = (use: ToolUse): ToolUse => {
  // Its text was shown.
  if (use.name === 'send_text' && use.kind === 'built-in') return use;
  const { arguments: _arguments, result: _result, ...rest } = use;
  return rest;
};
