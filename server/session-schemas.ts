/** What the session routes take and give: one schema each, for checking, for answering and for the API's description. */
import { z } from 'zod';
import { isTooBig, MOST_LEVELS, MOST_VALUES } from '../signalling/nesting.ts';
import type { SessionRecord } from '../signalling/session.ts';

const unixMs = z.number().int().describe('Unix time in milliseconds.');
const variables = z
  .record(z.string().max(64), z.union([z.string().max(4096), z.number(), z.boolean()]))
  .describe('Values for the variables that the agent declares.');
const metadata = z
  .record(z.string().max(64), z.unknown())
  .refine((value) => !isTooBig(value), `must have at most ${MOST_LEVELS} levels and ${MOST_VALUES} values`)
  .describe("The integrator's own data; never looked into.");
const state = z.enum(['queued', 'ready', 'live', 'interrupted', 'ended']);
const endReason = z.enum(['left', 'deleted', 'expired', 'idle', 'agent', 'failed', 'shutdown']);
/** Looked into by the agent's own schema. */
const fields = z.record(z.string(), z.unknown()).optional();
const overrides = z
  .strictObject({
    greeting: z.string().optional(),
    voice: z.string().optional(),
    turnHandling: z
      .strictObject({ endpointing: fields, interruption: fields, preemptiveGeneration: fields })
      .optional(),
    limits: fields,
    texts: fields,
  })
  .describe("Changes to the agent for this session alone, checked by the agent's own schema.");

export const errorBody = z
  .object({ error: z.object({ code: z.string().describe('Stable; decide by it.'), message: z.string() }) })
  .meta({ id: 'Error' });

export const newSession = z
  .strictObject({
    agent: z.string().max(64).optional().describe('Name of the agent; the default one when absent.'),
    campaign: z.string().max(128).optional(),
    variables: variables.optional(),
    overrides: overrides.optional(),
    metadata: metadata.optional(),
  })
  .meta({ id: 'NewSession' });

export const sessionChanges = z
  .strictObject({ variables: variables.optional(), metadata: metadata.optional() })
  .meta({ id: 'SessionChanges' });

export const issuedToken = z
  .object({
    token: z.string().describe('Opens this one session, for one browser.'),
    expiresAt: unixMs.describe('Until when the token can be used to join, Unix time in ms.'),
    url: z.string().describe('Where to connect.'),
  })
  .meta({ id: 'Token' });

export const createdSession = issuedToken
  .extend({ id: z.uuid(), agent: z.string(), state, pod: z.string(), unsaved: z.literal(true).optional() })
  .meta({ id: 'CreatedSession' });

export const sessionView = z
  .object({
    id: z.uuid(),
    agent: z.string(),
    agentVersion: z.string().optional().describe('Of its configuration, as `GET /v2/agents` names it.'),
    state,
    pod: z.string().describe('The server process that leads it; empty while it waits for a place.'),
    campaign: z.string().optional(),
    variables: variables.optional(),
    overrides: overrides.optional(),
    metadata: metadata.optional(),
    createdAt: unixMs,
    updatedAt: unixMs,
    timeoutAt: unixMs.describe('When it ends unless a client is connected, Unix time in ms.'),
    endedAt: unixMs.optional(),
    endReason: endReason.optional(),
    unsaved: z.literal(true).optional().describe("In its pod's memory alone, or newer there: Redis is away."),
  })
  .meta({ id: 'Session' });

export const sessionList = z
  .object({ sessions: z.array(sessionView), nextCursor: z.string().optional() })
  .meta({ id: 'SessionList' });

export const listQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().max(256).optional().describe('`nextCursor` of the page before.'),
  state: state.optional(),
});

export const sessionPath = z.object({ id: z.uuid() });

const step = (what: string) => z.number().optional().describe(what);

const timings = z
  .object({
    endOfSpeechMs: z.number().describe("The caller's last sound."),
    transcriptMs: step('The last words known when the turn ended; where there is a recogniser.'),
    endpointMs: z.number().describe('The turn was taken as ended.'),
    firstTokenMs: step('The first text; where there is a language model.'),
    firstAudioMs: step('The first sound of the voice was there.'),
    firstPacketMs: step('It left the server.'),
    heardMs: step("It was heard, by the client's report: half a round trip and its playout delay later."),
  })
  .describe('In ms from the start of the session; what did not happen, or is not known, is missing.');

const decision = z.object({
  decision: z.string(),
  reason: z.string(),
  inputs: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  turnId: z.string().optional(),
  atMs: z.number(),
});

const toolUse = z.object({
  callId: z.string(),
  turnId: z.string(),
  name: z.string(),
  kind: z.enum(['http', 'client', 'code', 'built-in']),
  startedMs: z.number(),
  endedMs: z.number(),
  error: z.string().optional().describe('Why there is no result: a code.'),
  arguments: z.unknown().optional().describe('As the model gave them.'),
  result: z.unknown().optional().describe('What the model was told.'),
});

export const transcript = z
  .object({
    entries: z.array(
      z.object({
        turnId: z.string(),
        role: z.enum(['user', 'agent']),
        text: z.string(),
        startMs: z.number().describe('From the start of the session.'),
        endMs: z.number(),
        estimated: z
          .literal(true)
          .optional()
          .describe(
            'The caller cut in, and where the line ends is a guess: the voice gave no times of words, or the client had not ' +
              'reported its playout delay.',
          ),
        timings: timings.optional().describe('Of an answer to a spoken turn: when each step happened.'),
        decisions: z.array(decision).readonly().optional().describe('What was decided since the line before, and why.'),
        tools: z.array(toolUse).readonly().optional().describe('Tools that were run since the line before.'),
      }),
    ),
  })
  .meta({ id: 'Transcript' });

/** To be checked by `sessionView`: records come from other pods, too. */
export const toSessionView = (record: SessionRecord): z.input<typeof sessionView> => {
  const { ownerPod, expiresAt, overrides: changed, ...rest } = record;
  const view = { ...rest, pod: ownerPod, timeoutAt: expiresAt };
  return changed ? { ...view, overrides: changed } : view;
};
