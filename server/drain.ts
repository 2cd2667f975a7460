import { setTimeout as pause } from 'node:timers/promises';
import type { Sessions } from '../signalling/sessions.ts';

export type DrainOptions = {
  sessions: Sessions;
  /** Ids of the sessions with a client. */
  attended: () => string[];
  /** How long conversations may take to end, in ms. */
  timeoutMs: number;
  nowMs: () => number;
};

const LOOK_AGAIN_MS = 100;

/** Waits for conversations to end, and ends those that did not in time. Nothing new is opened meanwhile. */
export const drain = async ({ sessions, attended, timeoutMs, nowMs }: DrainOptions): Promise<void> => {
  sessions.refuseNew();
  const deadlineMs = nowMs() + timeoutMs;
  while (attended().length > 0 && nowMs() < deadlineMs) await pause(LOOK_AGAIN_MS);
  await Promise.all(attended().map((id) => sessions.end(id, 'shutdown')));
};
