/** A session's record as the fields of a hash: what scripts look at is a field of its own, the rest is JSON. */
import type { TranscriptEntry } from './protocol.ts';
import type { Continuation, StoredSession } from './session-store.ts';
import type { SessionRecord } from './session.ts';

/** The order in which scripts take and give them. */
export const RECORD_FIELDS = ['epoch', 'owner', 'version', 'state', 'updatedAt', 'expiresAt', 'details'] as const;

type Details = Omit<SessionRecord, 'epoch' | 'ownerPod' | 'version' | 'state' | 'updatedAt' | 'expiresAt'>;

export const writeRecord = (record: SessionRecord): (string | number)[] => {
  const { epoch, ownerPod, version, state, updatedAt, expiresAt, ...details } = record;
  return [epoch, ownerPod, version, state, updatedAt, expiresAt, JSON.stringify(details)];
};

/**
 * @param fields as HMGET gives them; all are null where there is no such session
 * @returns undefined also for what nobody of us wrote: one such record must not keep all others from being listed and ended
 */
export const readRecord = (fields: readonly (string | null)[]): SessionRecord | undefined => {
  const [epoch, ownerPod, version, state, updatedAt, expiresAt, details] = fields;
  const read = typeof details === 'string' ? readDetails(details) : undefined;
  if (read === undefined || typeof ownerPod !== 'string') return undefined;
  return {
    ...read,
    state: state as SessionRecord['state'],
    ownerPod,
    epoch: Number(epoch),
    version: Number(version),
    updatedAt: Number(updatedAt),
    expiresAt: Number(expiresAt),
  };
};

const readDetails = (text: string): Details | undefined => {
  try {
    const details: unknown = JSON.parse(text);
    return typeof details === 'object' && details !== null ? (details as Details) : undefined;
  } catch {
    // Not JSON, so not ours.
    return undefined;
  }
};

export const readLines = (lines: readonly string[]): TranscriptEntry[] =>
  lines.map((line) => JSON.parse(line) as TranscriptEntry);

/** What `everything()` of the scripts gives. */
export const readSession = (
  fields: readonly (string | null)[],
  continuation: string | null,
  turns: readonly string[],
): StoredSession | undefined => {
  const record = readRecord(fields);
  return (
    record && {
      record,
      transcript: readLines(turns),
      ...(continuation !== null && { continuation: JSON.parse(continuation) as Continuation }),
    }
  );
};
