import type { SessionRecord } from '../../signalling/session.ts';

let made = 0;

/** A session as a test needs it; every one with an id of its own. */
export const sessionRecord = (fields: Partial<SessionRecord> = {}): SessionRecord => {
  made += 1;
  return {
    id: `00000000-0000-4000-8000-${String(made).padStart(12, '0')}`,
    agent: 'parrot',
    state: 'ready',
    ownerPod: 'pod-a',
    epoch: 100,
    version: 1,
    createdAt: 0,
    updatedAt: 0,
    expiresAt: 60_000,
    ...fields,
  };
};
