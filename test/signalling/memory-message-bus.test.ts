import { expect } from 'chai';
import * as fc from 'fast-check';
import { loneMessageBus, MemoryBusHub } from '../../signalling/memory-message-bus.ts';
import type { MemoryBusHubOptions } from '../../signalling/memory-message-bus.ts';
import type { MessageBus } from '../../signalling/message-bus.ts';
import { itCarriesMessages } from '../support/message-bus-contract.ts';
import { rejection } from '../support/rejection.ts';
import { memoryLog } from '../support/running-server.ts';
import { VirtualTiming } from '../support/virtual-timing.ts';

describe('MemoryBusHub', () => {
  itCarriesMessages(async () => {
    const hub = new MemoryBusHub({ log: memoryLog() });
    const pods: MessageBus[] = [];
    return {
      connect: async (podId) => {
        const pod = hub.connect(podId);
        pods.push(pod);
        return pod;
      },
      close: async () => void (await Promise.all(pods.map((pod) => pod.close()))),
    };
  });

  it('lets a pod be by itself', async () => {
    const bus = loneMessageBus('ada', memoryLog());
    bus.handle('echo', async (payload) => payload);
    expect(await bus.request('ada', 'echo', 1, { timeoutMs: 1_000 })).to.equal(1);
    expect(await bus.ask('echo', 1, { timeoutMs: 1_000 })).to.deep.equal([]);
    await bus.close();
  });

  describe('on virtual time', () => {
    let timing: VirtualTiming;
    let hub: MemoryBusHub;
    let ada: MessageBus;
    let bob: MessageBus;
    let handled: unknown[];

    const open = (options: Partial<MemoryBusHubOptions> = {}): void => {
      timing = new VirtualTiming();
      hub = new MemoryBusHub({ log: memoryLog(), timing, ...options });
      ada = hub.connect('ada');
      bob = hub.connect('bob');
      handled = [];
      bob.handle('note', async (payload) => {
        handled.push(payload);
        return 'noted';
      });
    };

    /** What becomes of a request, and how long it takes on virtual time; undefined while it is open. */
    const ask = (timeoutMs = 5_000, to = 'bob', payload = 1) => {
      const startedMs = timing.nowMs();
      const outcome: { is?: unknown; afterMs?: number } = {};
      const settle = (is: unknown): void => void Object.assign(outcome, { is, afterMs: timing.nowMs() - startedMs });
      ada.request(to, 'note', payload, { timeoutMs }).then(settle, (error: { reason: string }) => settle(error.reason));
      return outcome;
    };

    it('asks again when the question was lost', async () => {
      let lose = 2;
      open({ isLost: ({ to }) => to === 'bob' && (lose -= 1) >= 0 });
      const outcome = ask();
      await timing.advance(5_000);
      expect(outcome).to.deep.equal({ is: 'noted', afterMs: 750 });
      expect(handled).to.deep.equal([1]);
    });

    it('repeats an answer that was lost, and handles the question once', async () => {
      let lose = 3;
      // What comes to ada: that her question went out, and the answer.
      open({ isLost: ({ to }) => to === 'ada' && (lose -= 1) >= 0 });
      const outcome = ask();
      await timing.advance(5_000);
      expect(outcome.is).to.equal('noted');
      expect(handled).to.deep.equal([1]);
    });

    it('takes a pod for gone when nobody listens at a second look either', async () => {
      open();
      const outcome = ask(5_000, 'nobody');
      await timing.advance(149);
      expect(outcome).to.deep.equal({});
      await timing.advance(1);
      expect(outcome).to.deep.equal({ is: 'gone', afterMs: 150 });
    });

    it('does not take a pod for gone that listens again at the second look', async () => {
      open();
      hub.cut('bob');
      const outcome = ask();
      await timing.advance(100);
      hub.heal('bob');
      await timing.advance(100);
      expect(outcome).to.deep.equal({ is: 'noted', afterMs: 150 });
    });

    it('takes nobody for gone within 3 s of a break of its own', async () => {
      open();
      hub.cut('ada');
      await timing.advance(10_000);
      hub.heal('ada');
      const outcome = ask(10_000, 'nobody');
      await timing.advance(2_900);
      expect(outcome).to.deep.equal({});
      await timing.advance(2_000);
      expect(outcome.is).to.equal('gone');
    });

    it('says that it is cut off itself when it was all the time', async () => {
      open();
      hub.cut('ada');
      expect(ada.steadySince).to.equal(undefined);
      const outcome = ask(2_000);
      await timing.advance(2_000);
      expect(outcome).to.deep.equal({ is: 'cut_off', afterMs: 2_000 });
    });

    it('says that it is cut off where it has not noticed so yet', async () => {
      open();
      hub.cut('ada', { noticedAfterMs: 60_000 });
      const outcome = ask(2_000);
      await timing.advance(2_000);
      expect(outcome.is).to.equal('cut_off');
    });

    it('does not blame the other for an answer that came while it was cut off', async () => {
      open({ delayMs: () => 10 });
      const outcome = ask(2_000);
      await timing.advance(15);
      hub.cut('ada');
      await timing.advance(2_000);
      expect(handled).to.deep.equal([1]);
      expect(outcome.is).to.equal('cut_off');
    });

    it('asks at once when the break is over', async () => {
      open();
      hub.cut('ada');
      const outcome = ask(60_000);
      await timing.advance(30_100);
      hub.heal('ada');
      await timing.advance(1);
      expect(outcome.is).to.equal('noted');
      expect(handled).to.deep.equal([1]);
    });

    it('gets no answer from a pod that is cut off without anybody knowing', async () => {
      open();
      hub.cut('bob', { noticedAfterMs: 60_000 });
      const outcome = ask(2_000);
      await timing.advance(2_000);
      expect(outcome.is).to.equal('timeout');
    });

    it('does not claim to have asked everybody while it is cut off', async () => {
      open();
      hub.cut('ada');
      const failure = rejection(ada.ask('note', 1, { timeoutMs: 1_000 }));
      await timing.advance(1_000);
      expect(await failure).to.include({ reason: 'cut_off' });
    });

    it('concludes nothing from the silence of a pod that may be there', async () => {
      open();
      hub.cut('bob', { noticedAfterMs: 60_000 });
      const failure = rejection(ada.ask('note', 1, { timeoutMs: 1_000 }));
      await timing.advance(1_000);
      expect(await failure).to.include({ reason: 'timeout' });
    });

    it('reads the answer that came while this pod stood still, before it calls the other one silent', async () => {
      open({ delayMs: () => 5 });
      const outcome = ask(1_000);
      await timing.advance(12);
      timing.standStill(5_000);
      await timing.advance(1_000);
      expect(outcome.is).to.equal('noted');
    });

    it('waits for pods that come back while the break is young', async () => {
      open();
      hub.cut('ada');
      hub.cut('bob');
      await timing.advance(1_000);
      hub.heal('ada');
      const answers = ada.ask('note', 1, { timeoutMs: 2_000 });
      await timing.advance(500);
      hub.heal('bob');
      await timing.advance(1_500);
      expect(await answers).to.deep.equal([{ podId: 'bob', answer: 'noted' }]);
    });

    it('answers, or says why not, and handles each question at most once, whatever gets lost', async () => {
      const breaks = fc.array(fc.tuple(fc.constantFrom('ada', 'bob'), fc.integer({ min: 0, max: 2_000 })), {
        maxLength: 6,
      });
      const odds = fc.integer({ min: 0, max: 60 });
      await fc.assert(
        fc.asyncProperty(
          fc.infiniteStream(fc.integer({ min: 0, max: 99 })),
          odds,
          breaks,
          async (dice, lossPercent, cuts) => {
            const roll = (): number => dice.next().value as number;
            open({ delayMs: () => roll() * 3, isLost: () => roll() < lossPercent });
            const outcomes = Array.from({ length: 20 }, (_, number) => ask(4_000, 'bob', number));
            for (const [podId, noticedAfterMs] of cuts) {
              hub.cut(podId, { noticedAfterMs });
              await timing.advance(500);
              hub.heal(podId);
            }
            await timing.advance(4_000);
            expect(new Set(handled).size).to.equal(handled.length);
            const answered = outcomes.filter(({ is }) => is === 'noted').length;
            expect(handled.length).to.be.at.least(answered);
            for (const { is } of outcomes) expect(is).to.be.oneOf(['noted', 'timeout', 'cut_off', 'gone']);
          },
        ),
        { numRuns: 60 },
      );
    });
  });
});
