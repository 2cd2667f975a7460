import { expect } from 'chai';
import { EventQueue } from '../../../media/providers/event-queue.ts';
import { collect } from '../../support/collect.ts';

describe('a queue of events', () => {
  it('keeps what comes before it is read, in order', async () => {
    const queue = new EventQueue<number>();
    queue.push(1);
    queue.push(2);
    queue.end();
    queue.push(3);
    expect(await collect(queue)).to.deep.equal({ items: [1, 2], error: undefined });
  });

  it('wakes a reader that waits', async () => {
    const queue = new EventQueue<number>();
    const reading = collect(queue);
    queue.push(1);
    await Promise.resolve();
    queue.push(2);
    queue.end();
    expect((await reading).items).to.deep.equal([1, 2]);
  });

  it('fails after what came before, once', async () => {
    const queue = new EventQueue<number>();
    const failure = new Error('lost');
    queue.push(1);
    queue.fail(failure);
    queue.fail(new Error('again'));
    expect(await collect(queue)).to.deep.equal({ items: [1], error: failure });
    expect(await collect(queue)).to.deep.equal({ items: [], error: undefined });
  });

  it('fails a reader that waits', async () => {
    const queue = new EventQueue<number>();
    const reading = collect(queue);
    queue.fail(new Error('lost'));
    expect((await reading).error).to.have.property('message', 'lost');
  });

  it('drops what was not read where it is given up, and lets a reader go', async () => {
    const queue = new EventQueue<number>();
    queue.push(1);
    queue.abandon();
    expect(await collect(queue)).to.deep.equal({ items: [], error: undefined });
    const waiting = new EventQueue<number>();
    const reading = collect(waiting);
    waiting.abandon();
    expect(await reading).to.deep.equal({ items: [], error: undefined });
  });

  it('tells that its reader left', async () => {
    let left = 0;
    const queue = new EventQueue<number>(() => left++);
    queue.push(1);
    queue.push(2);
    for await (const item of queue) {
      expect(item).to.equal(1);
      break;
    }
    expect(left).to.equal(1);
    expect(queue.ended).to.equal(true);
  });
});
