import { expect } from 'chai';
import * as fc from 'fast-check';
import { Idle, type IdleSnapshot } from '../../../media/conversation/idle.ts';

const options = { askAfterMs: 10_000, times: 2, endAfterMs: 20_000 };

describe('Idle', () => {
  it('asks after the silence that is set, a few times, and then ends the call', () => {
    const idle = new Idle(options);
    idle.quiet(1_000);
    expect(idle.nextDeadlineMs).to.equal(11_000);
    expect(idle.poll(10_999)).to.equal(undefined);
    expect(idle.poll(11_000)).to.deep.equal({ do: 'ask', index: 0, quietMs: 10_000 });
    idle.quiet(13_000);
    expect(idle.poll(23_000)).to.deep.equal({ do: 'ask', index: 1, quietMs: 10_000 });
    idle.quiet(25_000);
    expect(idle.poll(35_000), 'the last wait is another one').to.equal(undefined);
    expect(idle.poll(45_000)).to.deep.equal({ do: 'end', quietMs: 20_000 });
  });

  it('counts silence anew after everything that anybody says, and after an absence', () => {
    const idle = new Idle(options);
    idle.quiet(0);
    idle.busy();
    expect(idle.nextDeadlineMs).to.equal(Infinity);
    expect(idle.poll(100_000)).to.equal(undefined);
    idle.quiet(100_000);
    expect(idle.nextDeadlineMs).to.equal(110_000);
  });

  it('begins from the first asking when the caller has said something, and not for a noise', () => {
    const idle = new Idle(options);
    idle.quiet(0);
    idle.poll(10_000);
    idle.busy();
    idle.quiet(15_000);
    expect(idle.poll(25_000)).to.include({ index: 1 });
    idle.callerSpoke();
    idle.quiet(40_000);
    expect(idle.poll(50_000)).to.include({ index: 0 });
  });

  it('says goodbye without asking where it is to ask not at all', () => {
    const idle = new Idle({ ...options, times: 0 });
    idle.quiet(0);
    expect(idle.poll(10_000)).to.equal(undefined);
    expect(idle.poll(20_000)).to.deep.equal({ do: 'end', quietMs: 20_000 });
  });

  it('goes on elsewhere with what it has asked, and with the silence where the caller stayed', () => {
    const idle = new Idle(options);
    idle.quiet(0);
    idle.poll(10_000);
    idle.quiet(12_000);
    const standing = JSON.parse(JSON.stringify(idle.snapshot())) as IdleSnapshot;
    expect(standing).to.deep.equal({ asked: 1, quietSinceMs: 12_000 });
    const moved = new Idle(options, standing);
    moved.quiet(14_000);
    expect(moved.poll(22_000)).to.deep.equal({ do: 'ask', index: 1, quietMs: 10_000 });
    const restored = new Idle(options, { asked: 1 });
    restored.quiet(14_000);
    expect(restored.nextDeadlineMs).to.equal(24_000);
  });

  it('never speaks into anything: every action comes after a whole wait of unbroken silence', () => {
    const step = fc.record({ afterMs: fc.nat(25_000), what: fc.constantFrom('quiet', 'busy', 'callerSpoke', 'poll') });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const idle = new Idle(options);
        let [nowMs, sinceMs] = [0, Infinity];
        for (const { afterMs, what } of steps) {
          nowMs += afterMs;
          if (what === 'quiet') sinceMs = Math.min(sinceMs, nowMs);
          if (what === 'busy') sinceMs = Infinity;
          if (what !== 'poll') {
            idle[what as 'quiet'](nowMs);
            continue;
          }
          const action = idle.poll(nowMs);
          if (!action) continue;
          expect(nowMs - sinceMs).to.be.at.least(action.do === 'end' ? options.endAfterMs : options.askAfterMs);
          sinceMs = Infinity;
        }
      }),
    );
  });
});
