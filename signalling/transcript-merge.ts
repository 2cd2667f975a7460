import type { TranscriptEntry } from './protocol.ts';

/** What tells the lines of a transcript apart: each speaker has one final line a turn. */
export const lineKey = ({ role, turnId }: Pick<TranscriptEntry, 'role' | 'turnId'>): string => `${role}:${turnId}`;

/**
 * The transcript of a session's owner with the lines that only the store has, each behind the line that it follows in the
 * store. Of a line that both have the owner's is taken, and the owner's order with it: an append that had to be repeated
 * may have reached the store late.
 */
export const mergeTranscripts = (
  stored: readonly TranscriptEntry[],
  owners: readonly TranscriptEntry[],
): TranscriptEntry[] => {
  const known = new Set(owners.map(lineKey));
  /** Key of a line of the owner's → lines that only the store has, and that follow it there. */
  const followers = new Map<string, TranscriptEntry[]>();
  let before = '';
  for (const line of stored) {
    const key = lineKey(line);
    if (known.has(key)) before = key;
    else followers.set(before, [...(followers.get(before) ?? []), line]);
  }
  const merged = owners.flatMap((line) => [line, ...(followers.get(lineKey(line)) ?? [])]);
  return [...(followers.get('') ?? []), ...merged];
};
