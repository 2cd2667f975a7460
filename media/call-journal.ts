/** The journal of one call, where its agent asks for one and the server has a folder for it. */
import { Journal } from './journal.ts';
import type { ReplyPart } from './providers/provider.ts';
import type { OpenCall } from './voice-protocol.ts';

export type CallJournalOptions = {
  open: OpenCall;
  journalFolder: string | undefined;
  now: () => number;
  onFault: (code: string, fault: unknown) => void;
};

export function openJournal({ open, journalFolder: folder, now, onFault }: CallJournalOptions): Journal | undefined {
  const { callId, agent, startedAtMs } = open;
  if (folder === undefined || !agent.journal) return undefined;
  const { name, turnHandling } = agent;
  const opening = { startedAtMs, agent: { name, turnHandling } };
  return new Journal({ folder, callId, now, opening, onFault: (fault) => onFault('journal_failed', fault) });
}

/** A reply whose texts are noted as they come. */
export async function* journaledReply(
  journal: Journal,
  turnId: string,
  parts: AsyncIterable<ReplyPart>,
): AsyncGenerator<ReplyPart> {
  for await (const part of parts) {
    if (part.type === 'text') journal.note({ reply: { turnId, text: part.text } });
    yield part;
  }
}
