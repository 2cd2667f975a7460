/** When a pod may say that there is no such session. Pure. */
import type { MessageBus } from './message-bus.ts';
import type { Pods } from './pods.ts';

/** After Redis was away, or came back empty, owners have so long to write back what they hold, in ms. */
export const WRITE_BACK_MS = 10_000;

/**
 * The store does not know a session, and of the pods that could be asked none does. It may all the same be held by one that
 * could not be: Redis may have come back empty, and the owner be about to reach it, or be cut off from it. Nobody tells a client
 * that its session does not exist until that has become impossible, for the client would not come again.
 */
export const isAbsenceCertain = (
  { steadySince }: Pick<MessageBus, 'steadySince'>,
  pods: Pick<Pods, 'absent'>,
  nowMs: number,
): boolean => steadySince !== undefined && nowMs - steadySince >= WRITE_BACK_MS && pods.absent().length === 0;
