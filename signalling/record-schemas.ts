/**
 * Sessions and lines of a transcript as other pods tell of them and as Redis has them. Whatever can reach Redis can write there,
 * so nothing is taken for a session that has not passed here. Fields that are not named are let through: a pod of the next
 * version may write more.
 */
import { z } from 'zod';
import { isTooBig } from './nesting.ts';
import type { EndReason, SessionState, TranscriptEntry } from './protocol.ts';
import type { SessionRecord } from './session.ts';

/** Of sessions, pods, clients and turns. None of ours has more than 64 characters. */
export const id = z.string().min(1).max(256);
export const count = z.number().nonnegative();
const text = z.string();
const oneOf = <Value extends string>(values: Record<Value, true>) => z.enum(Object.keys(values) as [Value, ...Value[]]);

const state = oneOf<SessionState>({ queued: true, ready: true, live: true, interrupted: true, ended: true });
export const endReason = oneOf<EndReason>({
  left: true,
  deleted: true,
  expired: true,
  idle: true,
  agent: true,
  failed: true,
  shutdown: true,
});

export const anything = z.record(z.string(), z.unknown());
export const metadata = anything.refine((value) => !isTooBig(value));
export const variables = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
export const changed = z.looseObject({ epoch: count, count });

export const newSession = z.looseObject({
  agent: id,
  agentVersion: text.exactOptional(),
  campaign: text.exactOptional(),
  variables: variables.exactOptional(),
  overrides: metadata.exactOptional(),
  metadata: metadata.exactOptional(),
});
export const sessionRecord = newSession.extend({
  id,
  state,
  ownerPod: z.string().max(256),
  epoch: count,
  version: count,
  createdAt: count,
  updatedAt: count,
  expiresAt: count,
  changed: changed.exactOptional(),
  endReason: endReason.exactOptional(),
  endedAt: count.exactOptional(),
  unsaved: z.literal(true).exactOptional(),
}) satisfies z.ZodType<SessionRecord>;

export const line = z.looseObject({
  turnId: id,
  role: z.enum(['user', 'agent']),
  text,
  final: z.boolean(),
  startMs: z.number(),
  endMs: z.number(),
}) satisfies z.ZodType<TranscriptEntry>;
