/**
 * What pods may ask and tell each other, and what they may answer, by name. Whatever can reach Redis can write on the bus, so
 * nothing is handed to a handler, or taken for an answer, that has not passed here. Fields that are not named are let
 * through: a pod of the next version may send more.
 */
import { z } from 'zod';
import { isSignallingErrorCode } from './errors.ts';
import { requestSchemas } from './protocol.ts';
import type { MoveReason, SignallingErrorCode } from './protocol.ts';
import {
  anything,
  changed,
  count,
  endReason,
  id,
  line,
  metadata,
  newSession,
  sessionRecord,
  variables,
} from './record-schemas.ts';

const moves: Record<MoveReason, true> = { 'media-worker': true, pod: true, drain: true, placed: true };
const moveReason = z.enum(Object.keys(moves) as [MoveReason, ...MoveReason[]]);
const errorCode = z.custom<SignallingErrorCode>(isSignallingErrorCode, 'is no code of an error');
const media = z.enum(['flowing', 'lost', 'none']);
const cause = z.enum(['queued', 'owner_gone', 'owner_silent', 'owner_denied', 'media_lost', 'handover', 'ended']);

const position = z.looseObject({ epoch: count, seq: count });
const transcript = z.array(line);
const restored = z.looseObject({ transcript, continuation: anything.exactOptional() });
/** Socket.IO would throw for these. */
const RESERVED = new Set(['connect', 'disconnect', 'disconnecting']);
const eventName = z
  .string()
  .regex(/^[a-z][a-z-]{0,63}$/)
  .refine((name) => !RESERVED.has(name));
const event = z.looseObject({ name: eventName, data: anything, epoch: count, seq: count });

const { join, ...joinedRequests } = requestSchemas;
/** A client's request, checked once more: the pod that has checked it may not be one of ours. */
const parsedRequest = z.union(
  Object.entries(joinedRequests).map(([name, request]) => z.looseObject({ name: z.literal(name), request })),
);
const client = z.looseObject({ sessionId: id, clientId: id });
const aboutSession = z.looseObject({ id });
const transport = z.looseObject({ id });

/** What may be asked (`handle`) and told (`subscribe`). */
export const payloadSchemas: Readonly<Record<string, z.ZodType>> = {
  'session.open': z.looseObject({ id, request: newSession }),
  'session.amend': z.looseObject({
    id,
    changes: z.looseObject({ variables: variables.exactOptional(), metadata: metadata.exactOptional() }),
  }),
  'session.end': z.looseObject({ id, reason: endReason }),
  'session.get': aboutSession,
  'session.transcript': aboutSession,
  'session.lead': z.looseObject({ id, look: z.boolean() }),
  'session.claim': z.looseObject({ id, fromEpoch: count, cause }),
  'session.left-behind': z.looseObject({
    id,
    transcript,
    changes: z.looseObject({
      variables: variables.exactOptional(),
      metadata: metadata.exactOptional(),
      changed: changed.exactOptional(),
    }),
  }),
  'session.placed': aboutSession,
  'queue.changed': z.looseObject({}),
  'relay.join': client.extend({ request: join, reason: moveReason.exactOptional() }),
  'relay.request': client.extend({ parsed: parsedRequest }),
  'relay.ping': client.extend({ after: position }),
  'relay.gone': client,
  'relay.event': z.looseObject({ clientId: id, event }),
  'relay.close': z.looseObject({
    clientId: id,
    how: z.enum(['refuse', 'end', 'drop']),
    code: errorCode.exactOptional(),
  }),
  'relay.rehome': z.looseObject({ clientId: id, podId: id, position }),
  'handover.prepare': z.looseObject({
    record: sessionRecord,
    request: z.looseObject({
      rtpCapabilities: join.shape.rtpCapabilities,
      playback: join.shape.playback,
      microphone: z.boolean(),
    }),
    restored,
  }),
  'handover.request': z.looseObject({ id, parsed: parsedRequest }),
  'handover.ready': aboutSession,
  'handover.commit': z.looseObject({
    id,
    fromEpoch: count,
    restored,
    client: z.looseObject({ id, podId: id }),
    joinRequest: join,
    withoutMicrophone: z.boolean(),
  }),
  'handover.late': z.looseObject({ id, epoch: count, continuation: anything }),
  'handover.cancel': aboutSession,
};

/** What may be answered. Media parameters are passed on to the client as they are; this pod makes no use of them. */
export const answerSchemas: Readonly<Record<string, z.ZodType>> = {
  'session.open': sessionRecord,
  'session.amend': sessionRecord,
  'session.end': sessionRecord,
  'session.get': sessionRecord,
  'session.transcript': transcript,
  'session.lead': z.looseObject({ leads: z.boolean(), epoch: count, media }),
  'session.claim': z.looseObject({ epoch: count }),
  'relay.join': z.looseObject({
    answer: z.looseObject({ session: z.looseObject({ id }), epoch: count, transcript, kept: z.boolean() }),
    events: z.array(event),
    position,
  }),
  'relay.request': anything,
  'relay.ping': z.looseObject({ events: z.array(event), gap: z.boolean(), more: z.boolean() }),
  'handover.prepare': z.looseObject({ media: z.looseObject({ send: transport, receive: transport }) }),
  'handover.request': anything,
  'handover.commit': z.looseObject({ position }),
};

/** What is wrong with what came under this name: the first field, and never its value. undefined: nothing, or no rule. */
export const payloadProblem = (
  schemas: Readonly<Record<string, z.ZodType>>,
  name: string,
  value: unknown,
): string | undefined => {
  const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
  const parsed = schema?.safeParse(value);
  if (parsed === undefined || parsed.success) return undefined;
  const path = parsed.error.issues[0]?.path.map(String).join('.') ?? '';
  return path === '' ? 'payload' : path.slice(0, 100);
};
