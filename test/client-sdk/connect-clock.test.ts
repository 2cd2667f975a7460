import { expect } from 'chai';
import { ConnectClock } from '../../client-sdk/src/connect-clock.ts';

describe('ConnectClock', () => {
  it('notes the first time that a step was reached', () => {
    let nowMs = 1000;
    const clock = new ConnectClock(() => nowMs);
    clock.start();
    nowMs = 1012.34;
    clock.mark('helloMs');
    nowMs = 5000;
    clock.mark('helloMs');
    expect(clock.timings).to.deep.equal({ helloMs: 12.3 });
    expect(clock.has('helloMs')).to.equal(true);
    expect(clock.has('joinedMs')).to.equal(false);
  });
});
