import { randomUUID } from 'node:crypto';
import { SignallingFailure, StoreUnavailable } from './errors.ts';
import type { HeldSessions } from './held-sessions.ts';
import type { SessionRecord } from './session.ts';

/**
 * A later owner is gone, and so is what Redis knew of it, or its client would not have come back to an earlier one. Clients
 * listen to no lower epoch than they have heard, so that this pod needs a higher one.
 * @param seenEpoch of the owner that the client heard last
 * @throws {SignallingFailure} `server_busy` while the store is away: no epoch is sure to be the highest then
 */
export async function outdo(record: SessionRecord, seenEpoch: number, store: HeldSessions): Promise<SessionRecord> {
  const { id, ownerPod: podId, epoch: fromEpoch } = record;
  if (seenEpoch <= fromEpoch || record.state === 'ended' || !store.holds(id)) return record;
  await store.flush();
  try {
    const answer = await store.claim(id, { claimId: randomUUID(), podId, fromEpoch });
    return answer.outcome === 'claimed' ? answer.session.record : record;
  } catch (error) {
    if (error instanceof StoreUnavailable) throw new SignallingFailure('server_busy', undefined, { cause: error });
    throw error;
  }
}
