import { expect } from 'chai';
import * as fc from 'fast-check';
import { choosePod } from '../../signalling/placement.ts';
import type { Pod } from '../../signalling/pods.ts';

const NOW_MS = 1_000_000;

const pod = (id: string, given: Partial<Pod> = {}): Pod => ({
  id,
  version: '1.0.0',
  startedAt: 0,
  heardAt: NOW_MS,
  calls: 0,
  capacity: 10,
  loopDelayMs: 1,
  draining: false,
  ...given,
});

/** Numbers that look random and are the same every time (mulberry32). */
const seeded = (seed: number) => (): number => {
  seed = (seed + 0x6d_2b_79_f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
};

const chosen = (pods: Pod[], seed = 1): string | undefined => choosePod(pods, NOW_MS, seeded(seed))?.id;

/** How often each is chosen in 1,000 tries; nobody's load changes. */
const shares = (pods: Pod[]): Record<string, number> => {
  const random = seeded(7);
  const counts: Record<string, number> = Object.fromEntries(pods.map(({ id }) => [id, 0]));
  for (let index = 0; index < 1_000; index++) {
    const id = choosePod(pods, NOW_MS, random)?.id;
    if (id !== undefined) counts[id] = (counts[id] ?? 0) + 1;
  }
  return counts;
};

describe('choosePod', () => {
  it('finds none where there is none', () => {
    expect(chosen([])).to.equal(undefined);
  });

  it('takes the only one', () => {
    expect(chosen([pod('a')])).to.equal('a');
  });

  it('takes none that drains, is full, has no places at all, or was not heard for 150 s', () => {
    const unfit = [
      pod('draining', { draining: true }),
      pod('full', { calls: 10 }),
      pod('overfull', { calls: 11 }),
      pod('without', { capacity: 0 }),
      pod('stale', { heardAt: NOW_MS - 150_001 }),
    ];
    expect(chosen(unfit)).to.equal(undefined);
    expect(shares([...unfit, pod('fit', { calls: 9 })])).to.deep.include({ fit: 1_000 });
  });

  it('takes the less loaded of two, by the share of places that are taken', () => {
    expect(shares([pod('small', { calls: 2, capacity: 4 }), pod('large', { calls: 10, capacity: 100 })])).to.deep.equal(
      {
        small: 0,
        large: 1_000,
      },
    );
  });

  it('takes the one whose main thread is on time, of two that are equally full', () => {
    expect(shares([pod('late', { loopDelayMs: 30 }), pod('prompt')])).to.deep.equal({ late: 0, prompt: 1_000 });
  });

  it('rather takes a fuller pod than one whose main thread is stuck', () => {
    expect(shares([pod('stuck', { loopDelayMs: 500 }), pod('fuller', { calls: 8 })])).to.deep.equal({
      stuck: 0,
      fuller: 1_000,
    });
  });

  it('gives equal pods equal shares', () => {
    for (const share of Object.values(shares(['a', 'b', 'c', 'd'].map((id) => pod(id))))) {
      expect(share).to.be.within(200, 300);
    }
  });

  it('never takes the fullest of three, and the emptiest two times out of three', () => {
    const counts = shares([pod('empty'), pod('half', { calls: 5 }), pod('full', { calls: 9 })]);
    expect(counts['full']).to.equal(0);
    expect(counts['empty']).to.be.within(600, 730);
  });

  it('fills ten pods evenly, even where twenty sessions at a time are placed by the same numbers', () => {
    const random = seeded(42);
    const calls = new Map(Array.from({ length: 10 }, (_, index) => [`pod-${index}`, 0]));
    for (let round = 0; round < 40; round++) {
      const seen = Array.from(calls, ([id, taken]) => pod(id, { calls: taken, capacity: 200 }));
      for (let index = 0; index < 20; index++) {
        const id = choosePod(seen, NOW_MS, random)!.id;
        calls.set(id, calls.get(id)! + 1);
      }
    }
    const taken = Array.from(calls.values());
    expect(Math.max(...taken) - Math.min(...taken)).to.be.at.most(16);
  });

  it('finds a place wherever there is one, and only there', () => {
    const pods = fc.array(
      fc.record({
        calls: fc.nat(12),
        capacity: fc.nat(12),
        draining: fc.boolean(),
        loopDelayMs: fc.double({ min: 0, max: 1_000, noNaN: true }),
        heardAt: fc.integer({ min: NOW_MS - 300_000, max: NOW_MS + 1_000 }),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(pods, fc.integer(), (given, seed) => {
        const all = given.map((load, index) => pod(`pod-${index}`, load));
        const fit = all.filter(
          ({ calls, capacity, draining, heardAt }) => calls < capacity && !draining && heardAt >= NOW_MS - 150_000,
        );
        const choice = choosePod(all, NOW_MS, seeded(seed));
        if (fit.length === 0) expect(choice).to.equal(undefined);
        else expect(fit).to.include(choice);
      }),
    );
  });
});
