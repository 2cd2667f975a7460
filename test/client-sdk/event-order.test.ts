import { expect } from 'chai';
import * as fc from 'fast-check';
import { EventOrder } from '../../client-sdk/src/event-order.ts';

describe('EventOrder', () => {
  it('lets the events of one owner through as they come', () => {
    const order = new EventOrder();
    expect([1, 2, 3].map((seq) => order.accept({ epoch: 5, seq }))).to.deep.equal([true, true, true]);
    expect(order.lastSeen).to.deep.equal({ epoch: 5, seq: 3 });
  });

  it('drops what was seen before and what was overtaken', () => {
    const order = new EventOrder();
    order.accept({ epoch: 1, seq: 4 });
    expect(order.accept({ epoch: 1, seq: 4 })).to.equal(false);
    expect(order.accept({ epoch: 1, seq: 3 })).to.equal(false);
    expect(order.accept({ epoch: 1, seq: 6 })).to.equal(true);
  });

  it('begins to count anew with a new owner', () => {
    const order = new EventOrder();
    order.accept({ epoch: 1, seq: 100 });
    expect(order.accept({ epoch: 2, seq: 1 })).to.equal(true);
    expect(order.epoch).to.equal(2);
  });

  it('hears nothing more of an owner that was replaced', () => {
    const order = new EventOrder();
    order.accept({ epoch: 2, seq: 1 });
    expect(order.accept({ epoch: 1, seq: 101 })).to.equal(false);
    expect(order.lastSeen).to.deep.equal({ epoch: 2, seq: 1 });
  });

  it('takes the epoch of an acknowledgement, and refuses a lower one', () => {
    const order = new EventOrder();
    expect(order.adopt(7)).to.equal(true);
    expect(order.adopt(6)).to.equal(false);
    expect(order.accept({ epoch: 6, seq: 1 })).to.equal(false);
    expect(order.lastSeen).to.equal(undefined);
  });

  it('has seen nothing at first', () => {
    const order = new EventOrder();
    expect(order.lastSeen).to.equal(undefined);
    expect(order.epoch).to.equal(0);
  });

  it('lets through a strictly rising sequence, whatever arrives', () => {
    const position = fc.record({ epoch: fc.nat(4), seq: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(position, { maxLength: 60 }), (positions) => {
        const order = new EventOrder();
        const through = positions.filter((each) => order.accept(each));
        for (const [index, later] of through.entries()) {
          const earlier = through[index - 1];
          if (!earlier) continue;
          const rises = later.epoch > earlier.epoch || (later.epoch === earlier.epoch && later.seq > earlier.seq);
          expect(rises).to.equal(true);
        }
      }),
    );
  });
});
