import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { answerSchemas, payloadProblem, payloadSchemas } from '../../signalling/bus-payloads.ts';
import { RemoteRefusal } from '../../signalling/errors.ts';
import { MemoryBusHub } from '../../signalling/memory-message-bus.ts';
import type { MessageBus } from '../../signalling/message-bus.ts';
import { eventually } from '../support/eventually.ts';
import { rejection } from '../support/rejection.ts';
import { memoryLog } from '../support/running-server.ts';

const PATIENT = { timeoutMs: 15_000 };
/** What `redis-pods.ts` listens to has a check of its own (`pod-message.ts`). */
const CHECKED_ELSEWHERE = new Set(['ANNOUNCED', 'CLOSED']);

/** Every name that the source handles or listens to. */
const namesInSource = (): string[] => {
  const folder = join(import.meta.dirname, '../../signalling');
  const listens = /\bbus\.(?:handle|subscribe)\(\s*(?:'([^']+)'|(\w+))/g;
  return readdirSync(folder)
    .flatMap((file) => [...readFileSync(join(folder, file), 'utf8').matchAll(listens)])
    .map(([, name, constant]) => name ?? constant ?? '')
    .filter((name) => !CHECKED_ELSEWHERE.has(name));
};

describe('what pods say to each other', () => {
  let ada: MessageBus;
  let bob: MessageBus;

  beforeEach(() => {
    const hub = new MemoryBusHub({ log: memoryLog() });
    [ada, bob] = [hub.connect('ada'), hub.connect('bob')];
  });

  afterEach(async () => Promise.all([ada.close(), bob.close()]));

  it('has a schema for each name that anybody handles', () => {
    const names = namesInSource();
    expect(names.length).to.be.above(20);
    expect(Object.keys(payloadSchemas)).to.include.members(names);
    expect(Object.keys(payloadSchemas)).to.include.members(Object.keys(answerSchemas));
  });

  it('reaches no handler where it does not fit', async () => {
    const handled: unknown[] = [];
    bob.handle('session.open', async (payload) => handled.push(payload));
    for (const payload of [undefined, null, 1, 'x', [], {}, { id: 'a' }, { id: 'a', request: {} }, { id: 1 }]) {
      const refusal = await rejection(ada.request('bob', 'session.open', payload, PATIENT));
      expect(refusal).to.be.instanceOf(RemoteRefusal).and.to.include({ code: 'invalid_message' });
    }
    expect(handled).to.deep.equal([]);
  });

  it('reaches no listener where it does not fit, and reaches it where it does', async () => {
    const heard: unknown[] = [];
    bob.subscribe('relay.event', (payload) => heard.push(payload));
    const event = { name: 'speech', data: {}, epoch: 1, seq: 1 };
    const bad = [{}, { clientId: 'c' }, { clientId: 'c', event: {} }, { clientId: 'c', event: { ...event, seq: '1' } }];
    const reserved = { clientId: 'c', event: { ...event, name: 'disconnect' } };
    for (const payload of [...bad, reserved, { clientId: 'c', event }]) ada.tell('bob', 'relay.event', payload);
    await eventually(() => heard.length > 0);
    expect(heard).to.deep.equal([{ clientId: 'c', event }]);
  });

  it('is no answer where it does not fit, asked of one pod or of all', async () => {
    bob.handle('session.lead', async () => ({ leads: 'yes' }));
    const question = { id: 'a', look: false };
    const refusal = await rejection(ada.request('bob', 'session.lead', question, PATIENT));
    expect(refusal).to.be.instanceOf(RemoteRefusal).and.to.include({ code: 'invalid_answer' });
    expect(await ada.ask('session.lead', question, PATIENT)).to.deep.equal([]);
  });

  it('keeps fields of a later version', async () => {
    bob.handle('session.claim', async (payload) => ({ epoch: 2, later: payload }));
    const claim = { id: 'a', fromEpoch: 1, cause: 'handover', more: true };
    expect(await ada.request('bob', 'session.claim', claim, PATIENT)).to.deep.equal({ epoch: 2, later: claim });
  });

  it('names the field that is wrong, and not its value', () => {
    const claim = { id: 'a', fromEpoch: 'a secret', cause: 'handover' };
    expect(payloadProblem(payloadSchemas, 'session.claim', claim)).to.equal('fromEpoch');
    expect(payloadProblem(payloadSchemas, 'toString', claim)).to.equal(undefined);
  });
});
