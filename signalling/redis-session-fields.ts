/** A session's record as the fields of a hash: what scripts look at is a field of its own, the rest is JSON. */
import type { TranscriptEntry } from './protocol.ts';
import { line, sessionRecord } from './record-schemas.ts';
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
export const readRecord = (id: string, fields: readonly (string | null)[]): SessionRecord | undefined => {
  const [epoch, ownerPod, version, state, updatedAt, expiresAt, details] = fields;
  if (typeof details !== 'string') return undefined;
  const record = {
    ...(readObject(details) as Details | undefined),
    state: state as SessionRecord['state'],
    ownerPod: ownerPod ?? '',
    epoch: Number(epoch ?? NaN),
    version: Number(version ?? NaN),
    updatedAt: Number(updatedAt ?? NaN),
    expiresAt: Number(expiresAt ?? NaN),
  };
  return sessionRecord.safeParse(record).success && record.id === id ? (record as SessionRecord) : undefined;
};

/** Lines that nobody of us wrote are left out. */
export const readLines = (lines: readonly string[]): TranscriptEntry[] =>
  lines.flatMap((text) => {
    const read = readObject(text);
    return line.safeParse(read).success ? [read as TranscriptEntry] : [];
  });

/** What `everything()` of the scripts gives. */
export const readSession = (
  id: string,
  fields: readonly (string | null)[],
  kept: string | null,
  turns: readonly string[],
): StoredSession | undefined => {
  const record = readRecord(id, fields);
  const continuation: Continuation | undefined = kept === null ? undefined : readObject(kept);
  return record && { record, transcript: readLines(turns), ...(continuation && { continuation }) };
};

const readObject = (text: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    // Not JSON, so not ours.
    return undefined;
  }
};
