/** Where a page of a list of sessions ends. The list goes from the newest to the oldest. */
import type { SessionRecord } from './session.ts';

/** A place in the list. Ids break the tie of sessions that were made within one millisecond. */
export type Place = Pick<SessionRecord, 'createdAt' | 'id'>;

/** Whether `a` stands behind `b` in the list. */
export const comesAfter = (a: Place, b: Place): boolean =>
  a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id < b.id);

export const writeCursor = ({ createdAt, id }: Place): string =>
  Buffer.from(`${createdAt}:${id}`).toString('base64url');

/** A cursor that was tampered with reads as the end of the list rather than as an error. */
export const readCursor = (cursor: string): Place => {
  const [createdAt = '', id = ''] = Buffer.from(cursor, 'base64url').toString().split(':');
  return { createdAt: Number(createdAt) || 0, id };
};
