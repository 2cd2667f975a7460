/** What is done with sessions, one after another and each timed: the same for every store. */
import { randomUUID } from 'node:crypto';
import { StoreUnavailable } from '../signalling/errors.ts';
import type { SessionStore } from '../signalling/session-store.ts';
import type { SessionRecord } from '../signalling/session.ts';
import { transition } from '../signalling/session.ts';
import { summarise } from './percentiles.ts';
import type { Summary } from './percentiles.ts';

/** Times in ms. `unanswered`: how often the store did not answer in time, which is in no other figure. */
export type OperationFigures = { operation: string; summary: Summary; unanswered: number };

/** Lines of the transcript of a session that is restored or claimed: a call of five minutes. */
export const TRANSCRIPT_LINES = 40;
const WARM_UP_RUNS = 100;

const SENTENCE = 'I would like to move my appointment from Tuesday morning to Thursday, if there is still a time free.';

const newRecord = (): SessionRecord => {
  const nowMs = Date.now();
  return {
    id: randomUUID(),
    agent: 'parrot',
    variables: { name: 'Ada Lovelace', language: 'en', orders: 7 },
    metadata: { customer: randomUUID(), campaign: 'autumn' },
    state: 'ready',
    ownerPod: 'bench',
    epoch: nowMs,
    version: 1,
    createdAt: nowMs,
    updatedAt: nowMs,
    expiresAt: nowMs + 3_600_000,
  };
};

const line = (index: number) => ({
  turnId: `turn-${index}`,
  role: index % 2 === 0 ? ('user' as const) : ('agent' as const),
  text: SENTENCE,
  final: true as const,
  startMs: index * 7_500,
  endMs: index * 7_500 + 6_000,
});

const CONTINUATION = { turnId: 'turn-39', state: 'speaking', unspoken: SENTENCE, history: SENTENCE.repeat(10) };

/**
 * Measures each operation `runs` times. Every run has a session of its own, so that none grows meanwhile.
 * @param store one whose pod is called `bench`
 */
export const measureOperations = async (store: SessionStore, runs: number): Promise<OperationFigures[]> => {
  const records = Array.from({ length: runs + WARM_UP_RUNS }, newRecord);
  const timed = async (operation: string, run: (record: SessionRecord) => Promise<unknown>) => {
    const timesMs: number[] = [];
    for (const record of records) {
      const startedMs = performance.now();
      timesMs.push((await answered(run(record))) ? performance.now() - startedMs : NaN);
    }
    const measured = timesMs.slice(WARM_UP_RUNS);
    return { operation, summary: summarise(measured), unanswered: measured.filter(Number.isNaN).length };
  };
  const transcript = Array.from({ length: TRANSCRIPT_LINES }, (_, index) => line(index));
  return [
    await timed('create', (record) => store.create(record)),
    await timed('get', ({ id }) => store.get(id)),
    await timed('update', ({ id, epoch }) =>
      store.update(id, epoch, (record) => transition(record, { type: 'flowing' }, Date.now())),
    ),
    await timed('append', ({ id, epoch }) => store.append(id, epoch, line(0))),
    await timed('continuation', ({ id, epoch }) => store.keepContinuation(id, epoch, CONTINUATION)),
    await timed('put', (record) => store.put({ record, transcript, continuation: CONTINUATION })),
    await timed('load', ({ id }) => store.load(id)),
    await timed('claim', ({ id, epoch }) =>
      store.claim(id, { claimId: randomUUID(), podId: 'another', fromEpoch: epoch }),
    ),
  ];
};

const answered = async (operation: Promise<unknown>): Promise<boolean> => {
  try {
    await operation;
    return true;
  } catch (error) {
    if (error instanceof StoreUnavailable) return false;
    throw error;
  }
};
