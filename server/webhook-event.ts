/** What is told of a session that has ended, and the signature under it. Pure. */
import { createHmac } from 'node:crypto';
import type { TranscriptEntry } from '../signalling/protocol.ts';
import type { SessionRecord } from '../signalling/session.ts';

/** Times of one turn, in milliseconds; absent where one of the two did not speak in it. */
export type TurnTiming = {
  turnId: string;
  /** From the caller's first sound to the last. */
  userSpeechMs?: number;
  /** From the caller's last sound to the agent's first. Negative: it began before. */
  responseMs?: number;
  agentSpeechMs?: number;
};

/**
 * @returns the event as JSON. Its id is the same however often, and by whomever, it is sent: a session ends once.
 */
export const sessionEndedEvent = (record: SessionRecord, transcript: readonly TranscriptEntry[]): object => {
  const { id, agent, agentVersion, campaign, variables, metadata, createdAt, updatedAt, endReason } = record;
  const endedAt = record.endedAt ?? updatedAt;
  const lines = transcript.map(({ turnId, role, text, startMs, endMs }) => ({ turnId, role, text, startMs, endMs }));
  const timings = timingsOf(transcript);
  return {
    id: `session.ended:${id}`,
    type: 'session.ended',
    session: { id, agent, agentVersion, campaign, variables, metadata, createdAt, endedAt, endReason },
    summary: {
      durationMs: endedAt - createdAt,
      conversationMs: Math.max(0, ...transcript.map(({ endMs }) => endMs)),
      turns: timings.filter(({ userSpeechMs }) => userSpeechMs !== undefined).length,
      userSpeechMs: sum(timings.map(({ userSpeechMs }) => userSpeechMs)),
      agentSpeechMs: sum(timings.map(({ agentSpeechMs }) => agentSpeechMs)),
      medianResponseMs: median(timings.flatMap(({ responseMs }) => responseMs ?? [])),
    },
    transcript: lines,
    timings,
  };
};

/** As Stripe does it: the time is signed with the body, so that an old message cannot be sent again unnoticed. */
export const signatureOf = (body: string, secret: string, unixSeconds: number): string => {
  const digest = createHmac('sha256', secret).update(`${unixSeconds}.${body}`).digest('hex');
  return `t=${unixSeconds},v1=${digest}`;
};

const timingsOf = (transcript: readonly TranscriptEntry[]): TurnTiming[] => {
  const turns = new Map<string, Partial<Record<TranscriptEntry['role'], TranscriptEntry>>>();
  for (const entry of transcript) turns.set(entry.turnId, { ...turns.get(entry.turnId), [entry.role]: entry });
  return Array.from(turns, ([turnId, { user, agent }]) => ({
    turnId,
    ...(user && { userSpeechMs: user.endMs - user.startMs }),
    ...(user && agent && { responseMs: agent.startMs - user.endMs }),
    ...(agent && { agentSpeechMs: agent.endMs - agent.startMs }),
  }));
};

const sum = (values: readonly (number | undefined)[]): number =>
  values.reduce<number>((total, value) => total + (value ?? 0), 0);

/** undefined: there is none. */
const median = (values: readonly number[]): number | undefined =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
