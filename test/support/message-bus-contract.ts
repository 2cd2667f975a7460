import { expect } from 'chai';
import { PodUnreachable, RemoteRefusal, SignallingFailure, StoreFull } from '../../signalling/errors.ts';
import type { MessageBus } from '../../signalling/message-bus.ts';
import { eventually } from './eventually.ts';
import { rejection } from './rejection.ts';

export type BusFleet = {
  /** A pod that can be reached as soon as this resolves. */
  connect: (podId: string) => Promise<MessageBus>;
  close: () => Promise<void>;
};

/** As long as nothing is wrong, nobody waits for it. */
const PATIENT = { timeoutMs: 15_000 };

/** What every bus promises, for each of them to be held to. */
export const itCarriesMessages = (open: () => Promise<BusFleet>): void => {
  let fleet: BusFleet;
  let ada: MessageBus;
  let bob: MessageBus;

  beforeEach(async () => {
    fleet = await open();
    ada = await fleet.connect('ada');
    bob = await fleet.connect('bob');
  });

  afterEach(async () => fleet.close());

  it('brings a question to a pod, with who asks, and the answer back', async () => {
    bob.handle('sum', async (payload, from) => ({ sum: (payload as number[]).reduce((a, b) => a + b), from }));
    expect(await ada.request('bob', 'sum', [1, 2, 3], PATIENT)).to.deep.equal({ sum: 6, from: 'ada' });
  });

  it('answers a pod that asks itself', async () => {
    ada.handle('echo', async (payload, from) => [payload, from]);
    expect(await ada.request('ada', 'echo', 'hello', PATIENT)).to.deep.equal(['hello', 'ada']);
  });

  it('carries nothing as nothing', async () => {
    bob.handle('nothing', async (payload) => payload);
    expect(await ada.request('bob', 'nothing', undefined, PATIENT)).to.equal(undefined);
  });

  it('tells many questions at once apart', async () => {
    bob.handle('echo', async (payload) => payload);
    const numbers = Array.from({ length: 200 }, (_, index) => index);
    const answers = await Promise.all(numbers.map((number) => ada.request('bob', 'echo', number, PATIENT)));
    expect(answers).to.deep.equal(numbers);
  });

  it('passes a refusal on by its code', async () => {
    bob.handle('full', async () => {
      throw new StoreFull(3);
    });
    const refusal = await rejection(ada.request('bob', 'full', {}, PATIENT));
    expect(refusal).to.be.instanceOf(RemoteRefusal).and.to.include({ code: 'store_full' });
  });

  it('tells nothing of an accident but that there was one', async () => {
    bob.handle('broken', async () => {
      throw new TypeError('a secret');
    });
    const refusal = await rejection(ada.request('bob', 'broken', {}, PATIENT));
    expect(refusal).to.be.instanceOf(RemoteRefusal).and.to.include({ code: 'internal' });
    expect(String(refusal)).to.not.include('secret');
  });

  it('says so where a pod knows no such question', async () => {
    expect(await rejection(ada.request('bob', 'what', {}, PATIENT))).to.include({ code: 'no_handler' });
  });

  it('says that a pod is gone when nobody listens under its name', async () => {
    const failure = await rejection(ada.request('nobody', 'sum', [1], PATIENT));
    expect(failure).to.be.instanceOf(PodUnreachable).and.to.include({ reason: 'gone' });
  });

  it('says that a pod that was closed is gone', async () => {
    await bob.close();
    expect(await rejection(ada.request('bob', 'sum', [1], PATIENT))).to.include({ reason: 'gone' });
  });

  it('gives up after the time that it was given, and tells the handler', async () => {
    let stopped = false;
    bob.handle('slow', async (_payload, _from, signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      stopped = true;
      // An answer, late as it is, might be there before this process finds the time to give up.
      await new Promise(() => undefined);
    });
    const failure = await rejection(ada.request('bob', 'slow', {}, { timeoutMs: 300 }));
    expect(failure).to.be.instanceOf(PodUnreachable).and.to.include({ reason: 'timeout' });
    await eventually(() => stopped);
  });

  it('gives up when it is called off, and tells the handler', async () => {
    const asked = Promise.withResolvers<void>();
    let stopped = false;
    bob.handle('slow', async (_payload, _from, signal) => {
      asked.resolve();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      stopped = true;
    });
    const abort = new AbortController();
    const failure = rejection(ada.request('bob', 'slow', {}, { ...PATIENT, signal: abort.signal }));
    await asked.promise;
    abort.abort(new Error('no longer wanted'));
    expect(await failure).to.have.property('message', 'no longer wanted');
    await eventually(() => stopped);
  });

  it('asks nobody for what was called off before', async () => {
    bob.handle('echo', async (payload) => payload);
    const signal = AbortSignal.abort(new Error('too late'));
    const failure = await rejection(ada.request('bob', 'echo', 1, { ...PATIENT, signal }));
    expect(failure).to.have.property('message', 'too late');
  });

  it('runs the handler of a slow answer once, however often it was asked for', async () => {
    let runs = 0;
    bob.handle('slow', async () => {
      runs += 1;
      await new Promise((resolve) => void setTimeout(resolve, 900));
      return runs;
    });
    expect(await ada.request('bob', 'slow', {}, PATIENT)).to.equal(1);
    expect(runs).to.equal(1);
  });

  it('asks all others at once, and goes on as soon as all have answered or refused', async () => {
    const eve = await fleet.connect('eve');
    await fleet.connect('mute');
    for (const pod of [ada, bob]) pod.handle('who', async (question) => ({ question, me: pod.podId }));
    eve.handle('who', async () => {
      throw new StoreFull(1);
    });
    const startedMs = Date.now();
    const answers = await ada.ask('who', 'has it?', PATIENT);
    expect(answers).to.deep.equal([{ podId: 'bob', answer: { question: 'has it?', me: 'bob' } }]);
    expect(Date.now() - startedMs).to.be.below(PATIENT.timeoutMs);
  });

  it('takes the answers that came in time', async () => {
    const eve = await fleet.connect('eve');
    bob.handle('who', async () => 'bob');
    eve.handle('who', () => new Promise(() => {}));
    expect(await ada.ask('who', {}, { timeoutMs: 500 })).to.deep.equal([{ podId: 'bob', answer: 'bob' }]);
  });

  it('finds no others where there are none', async () => {
    await bob.close();
    expect(await ada.ask('who', {}, PATIENT)).to.deep.equal([]);
  });

  it('tells one pod, in order, and no other', async () => {
    const heard: unknown[] = [];
    ada.subscribe('news', () => heard.push('wrong'));
    bob.subscribe('news', (payload, from) => heard.push([payload, from]));
    for (let number = 0; number < 100; number++) ada.tell('bob', 'news', number);
    await eventually(() => heard.length === 100);
    expect(heard).to.deep.equal(Array.from({ length: 100 }, (_, number) => [number, 'ada']));
  });

  it('tells a pod what it tells itself', async () => {
    const heard: unknown[] = [];
    ada.subscribe('news', (payload, from) => heard.push(payload, from));
    ada.tell('ada', 'news', 1);
    await eventually(() => heard.length > 0);
    expect(heard).to.deep.equal([1, 'ada']);
  });

  it('publishes to all who have subscribed, the publisher too, once and until they stop', async () => {
    const heard: string[] = [];
    const listen = (pod: MessageBus) =>
      pod.subscribe('news', (payload) => heard.push(`${pod.podId} ${String(payload)}`));
    listen(ada);
    const stop = listen(bob);
    // A subscription takes effect when the bus has taken note of it, which nobody is told.
    let round = 0;
    await eventually(() => {
      ada.publish('news', `try ${(round += 1)}`);
      return heard.some((line) => line.startsWith('bob try'));
    });
    ada.publish('news', 'first');
    await eventually(() => heard.includes('ada first') && heard.includes('bob first'));
    stop();
    stop();
    ada.publish('news', 'second');
    await eventually(() => heard.includes('ada second'));
    bob.handle('echo', async (payload) => payload);
    await ada.request('bob', 'echo', 1, PATIENT);
    expect(heard.filter((line) => !line.includes('try'))).to.have.members(['ada first', 'bob first', 'ada second']);
  });

  it('goes on when a listener fails', async () => {
    const heard: unknown[] = [];
    bob.subscribe('news', () => {
      throw new Error('broken');
    });
    bob.subscribe('news', (payload) => heard.push(payload));
    ada.tell('bob', 'news', 1);
    await eventually(() => heard.length === 1);
  });

  it('refuses to send what is too large, and says what cannot be sent back', async () => {
    const large = 'x'.repeat(1_100_000);
    bob.handle('enlarge', async () => large);
    const failure = await rejection(ada.request('bob', 'enlarge', large, PATIENT));
    expect(failure).to.be.instanceOf(SignallingFailure).and.to.include({ code: 'message_too_large' });
    ada.tell('bob', 'enlarge', large);
    ada.publish('enlarge', large);
    const refusal = await rejection(ada.request('bob', 'enlarge', 1, PATIENT));
    expect(refusal).to.be.instanceOf(RemoteRefusal).and.to.include({ code: 'message_too_large' });
  });

  it('refuses to send what is not JSON', async () => {
    expect(await rejection(ada.request('bob', 'count', 1n, PATIENT))).to.be.instanceOf(TypeError);
    ada.tell('bob', 'count', 1n);
  });

  it('takes one handler for a name', () => {
    ada.handle('sum', async () => 1);
    expect(() => ada.handle('sum', async () => 2)).to.throw(TypeError);
  });

  it('fails what is pending when it closes, once and for all', async () => {
    bob.handle('never', () => new Promise(() => {}));
    const pending = rejection(ada.request('bob', 'never', {}, PATIENT));
    await ada.close();
    await ada.close();
    expect(await pending)
      .to.be.instanceOf(PodUnreachable)
      .and.to.include({ reason: 'cut_off' });
    expect(await rejection(ada.request('bob', 'never', {}, PATIENT))).to.include({ reason: 'cut_off' });
    ada.tell('bob', 'news', 1);
    ada.publish('news', 1);
  });
};
