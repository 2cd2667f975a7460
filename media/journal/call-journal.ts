/** The journal of one call, where its agent asks for one and the server has a folder for it. */
import { JournalAudio } from './journal-audio.ts';
import { Journal } from './journal.ts';
import type { ReplyPart, TurnInput } from '../providers/provider.ts';
import type { OpenCall } from '../workers/voice-protocol.ts';

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
  const startMs = now();
  const withAudio = agent.journal !== true && agent.journal.audio;
  const opening = { startedAtMs, agent: { name, turnHandling }, ...(withAudio && { audio: { startMs } }) };
  const told = (fault: unknown) => onFault('journal_failed', fault);
  const journal = new Journal({ folder, callId, now, opening, onFault: told });
  if (withAudio) journal.audio = new JournalAudio({ journalPath: journal.path, startMs, onFault: told });
  return journal;
}

/** A reply whose texts are noted as they come. */
export async function* journaledReply(
  journal: Journal,
  { turnId, speculative }: TurnInput,
  parts: AsyncIterable<ReplyPart>,
): AsyncGenerator<ReplyPart> {
  for await (const part of parts) {
    const early = speculative && !speculative.confirmed && { speculative: true as const };
    if (part.type === 'text') journal.note({ reply: { turnId, text: part.text, ...early } });
    yield part;
  }
}
