import { expect } from 'chai';
import { HangWatch } from '../../../media/runtime/hang-watch.ts';

describe('HangWatch', () => {
  const watch = () => new HangWatch({ intervalMs: 500, limitMs: 2000 });

  it('asks at each look, as long as there are answers', () => {
    const healthy = watch();
    for (let nowMs = 0; nowMs < 10_000; nowMs += 500) {
      expect(healthy.look(nowMs)).to.deep.equal({ ask: true });
      healthy.answered();
    }
  });

  it('asks once, waits for 2 s, and then says so', () => {
    const hung = watch();
    expect(hung.look(0)).to.deep.equal({ ask: true });
    for (const nowMs of [500, 1000, 1500, 2000]) expect(hung.look(nowMs)).to.equal(undefined);
    expect(hung.look(2500)).to.deep.equal({ hungForMs: 2500 });
  });

  it('takes an answer that comes late', () => {
    const busy = watch();
    busy.look(0);
    busy.look(1500);
    busy.answered();
    expect(busy.look(2000)).to.deep.equal({ ask: true });
    expect(busy.look(3500)).to.equal(undefined);
  });

  it('does not blame another for the time that this thread stood still', () => {
    const stalled = watch();
    stalled.look(0);
    expect(stalled.look(60_000)).to.equal(undefined);
    expect(stalled.look(60_500)).to.equal(undefined);
    expect(stalled.look(61_000)).to.equal(undefined);
    expect(stalled.look(61_500)).to.deep.equal({ hungForMs: 2500 });
  });
});
