import { expect } from 'chai';
import * as fc from 'fast-check';
import { MemorySessionStore } from '../../signalling/memory-session-store.ts';
import type { RedisLink } from '../../signalling/redis-link.ts';
import type { SessionStore } from '../../signalling/session-store.ts';
import { transition } from '../../signalling/session.ts';
import { ask } from '../support/redis-groups.ts';
import { RedisServer } from '../support/redis-server.ts';
import { openLink, storeOn } from '../support/redis-session-stores.ts';
import { line } from '../support/session-hand-over-contract.ts';
import { sessionRecord } from '../support/session-record.ts';

/** Above every clock, so that a claim takes the next epoch rather than the time, which no two stores would agree on. */
const EPOCH = 5_000_000_000_000;

type Step = { name: string; run: (store: SessionStore) => Promise<unknown> };

const ids = fc.constantFrom('a', 'b');
const epochs = fc.integer({ min: EPOCH, max: EPOCH + 4 });
const pods = fc.constantFrom('pod-a', 'pod-b');
const turns = fc.constantFrom('t1', 't2', 't3');
const records = fc
  .record({ id: ids, epoch: epochs, ownerPod: pods, state: fc.constantFrom('queued' as const, 'live' as const) })
  .map(sessionRecord);

const step = <Values extends unknown[]>(
  name: string,
  values: { [Index in keyof Values]: fc.Arbitrary<Values[Index]> },
  run: (store: SessionStore, ...values: Values) => Promise<unknown>,
): fc.Arbitrary<Step> =>
  fc.tuple(...values).map((given) => ({
    name: `${name} ${JSON.stringify(given)}`,
    run: (store) => run(store, ...(given as Values)),
  }));

const steps = fc.oneof(
  step('create', [records], (store, record) => store.create(record)),
  step('put', [records, fc.uniqueArray(turns)], (store, record, said) =>
    store.put({ record, transcript: said.map((turn) => line(turn, 'user', turn)) }),
  ),
  step('append', [ids, epochs, turns], (store, id, epoch, turn) => store.append(id, epoch, line(turn, 'user', turn))),
  step('renew', [ids, epochs, fc.nat(9)], (store, id, epoch, until) => store.renew(id, epoch, until)),
  step('end', [ids, epochs], (store, id, epoch) =>
    store.update(id, epoch, (record) => transition(record, { type: 'end', reason: 'left' }, 7)),
  ),
  step('amend', [ids, epochs, fc.nat(9)], (store, id, epoch, value) =>
    store.update(id, epoch, (record) => ({ ...record, metadata: { value } })),
  ),
  step('keep', [ids, epochs, fc.nat(9)], (store, id, epoch, value) => store.keepContinuation(id, epoch, { value })),
  step('claim', [ids, fc.constantFrom('c1', 'c2'), pods, epochs], (store, id, claimId, podId, fromEpoch) =>
    store.claim(id, { claimId, podId, fromEpoch }),
  ),
  step('enqueue', [ids, fc.integer({ min: 1, max: 2 })], (store, id, limit) => store.enqueue(id, limit)),
  step('dequeue', [], (store) => store.dequeue()),
  step('put back', [ids], (store, id) => store.putBack(id)),
  step('leave', [ids], (store, id) => store.leaveQueue(id)),
);

/** What came of it, without when a claim was made. */
const outcome = async (result: Promise<unknown>): Promise<unknown> => {
  try {
    const text = JSON.stringify(await result, (key, value: unknown) => (key === 'updatedAt' ? undefined : value));
    return text === undefined ? undefined : JSON.parse(text);
  } catch (error) {
    return error instanceof Error ? error.message : error;
  }
};

const all = async (store: SessionStore): Promise<unknown> =>
  outcome(Promise.all([store.load('a'), store.load('b'), store.list({ limit: 5 }), store.counts(), store.queue()]));

describe('the stores of sessions', function () {
  this.timeout(60_000);
  let server: RedisServer;
  let link: RedisLink;

  before(async () => {
    server = await RedisServer.start();
    link = await openLink(server.url);
  });

  after(async () => {
    await link.close();
    await server.stop();
  });

  it('agree about whatever is done with them', async () => {
    const property = fc.asyncProperty(fc.array(steps, { maxLength: 30 }), async (history) => {
      await ask(server, 'FLUSHALL');
      const [memory, redis] = [new MemorySessionStore({ podId: 'pod-a' }), storeOn(link)];
      for (const { name, run } of history) {
        expect(await outcome(run(redis)), name).to.deep.equal(await outcome(run(memory)));
        expect(await all(redis), `after ${name}`).to.deep.equal(await all(memory));
      }
    });
    await fc.assert(property, { numRuns: 100 });
  });
});
