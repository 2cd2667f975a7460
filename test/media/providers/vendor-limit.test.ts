import { expect } from 'chai';
import { VendorLimit } from '../../../media/providers/vendor-limit.ts';

const never = new AbortController().signal;

describe('the limit of a key', () => {
  it("is divided over those who share it, but never less than one call's", () => {
    let pods = 3;
    const limit = new VendorLimit({ concurrent: 10, sharers: () => pods });
    expect(limit.share).to.equal(3);
    pods = 1;
    expect(limit.share).to.equal(10);
    pods = 40;
    expect(limit.share).to.equal(1);
    pods = 0;
    expect(limit.share).to.equal(10);
  });

  it('gives a place that comes free to whoever waited longest', async () => {
    const limit = new VendorLimit({ concurrent: 1, sharers: () => 1, maxWaitMs: 15_000 });
    const order: string[] = [];
    const first = await limit.acquire(never);
    const waiting = ['second', 'third'].map(async (name) => {
      const release = await limit.acquire(never);
      order.push(name);
      release?.();
    });
    await Promise.resolve();
    first?.();
    const late = limit.acquire(never).then((release) => {
      order.push('late');
      release?.();
    });
    await Promise.all([...waiting, late]);
    expect(order).to.deep.equal(['second', 'third', 'late']);
    expect(limit.used).to.equal(0);
  });

  it('gives its last place to nobody who could do without, and has them not wait', async () => {
    const limit = new VendorLimit({ concurrent: 3, sharers: () => 1, maxWaitMs: 15_000 });
    const first = await limit.acquire(never, { spare: true });
    const second = await limit.acquire(never, { spare: true });
    expect([first, second]).to.not.include(undefined);
    expect(await limit.acquire(never, { spare: true })).to.equal(undefined);
    const wanted = await limit.acquire(never);
    expect(wanted).to.not.equal(undefined);
    for (const release of [first, second, wanted]) release?.();
    expect(limit.used).to.equal(0);
  });

  it('lets nobody wait for longer than it may', async () => {
    const limit = new VendorLimit({ concurrent: 1, sharers: () => 1, maxWaitMs: 20 });
    const release = await limit.acquire(never);
    expect(await limit.acquire(never)).to.equal(undefined);
    release?.();
    release?.();
    expect(limit.used).to.equal(0);
    expect(await limit.acquire(never)).to.be.a('function');
  });

  it('lets nobody wait who no longer wants to', async () => {
    const limit = new VendorLimit({ concurrent: 1, sharers: () => 1, maxWaitMs: 15_000 });
    const release = await limit.acquire(never);
    const abort = new AbortController();
    const waiting = limit.acquire(abort.signal);
    abort.abort();
    expect(await waiting).to.equal(undefined);
    expect(await limit.acquire(abort.signal)).to.equal(undefined);
    release?.();
    expect(limit.used).to.equal(0);
  });

  it('uses a share that has grown, and gives back one that has shrunk', async () => {
    let pods = 2;
    const limit = new VendorLimit({ concurrent: 4, sharers: () => pods, maxWaitMs: 20 });
    const held = [await limit.acquire(never), await limit.acquire(never)];
    expect(await limit.acquire(never)).to.equal(undefined);
    pods = 1;
    held.push(await limit.acquire(never));
    expect(held.at(-1)).to.be.a('function');
    pods = 4;
    held.pop()?.();
    held.pop()?.();
    expect(await limit.acquire(never)).to.equal(undefined);
  });
});
