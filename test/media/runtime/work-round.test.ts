import { expect } from 'chai';
import { WorkRound } from '../../../media/runtime/work-round.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

describe('WorkRound', () => {
  const calls = ['a', 'b', 'c', 'd', 'e'];
  let clock: VirtualClock;
  let round: WorkRound;
  let done: string[];

  beforeEach(() => {
    clock = new VirtualClock();
    round = new WorkRound(1, clock.nowMs);
    done = [];
  });

  /** The work of one call takes 0.4 ms. */
  const work = (callId: string) => {
    done.push(callId);
    clock.advance(0.4);
  };

  it('works for as many calls as fit into a slice, and goes on with the next ones', () => {
    round.begin(calls);
    expect(round.slice(work)).to.equal(false);
    expect(done).to.deep.equal(['a', 'b', 'c']);
    expect(round.slice(work)).to.equal(true);
    expect(done).to.deep.equal(calls);
    expect(round.isDone).to.equal(true);
  });

  it('works for one call at least, however long that takes', () => {
    round.begin(calls);
    const slow = (callId: string) => {
      done.push(callId);
      clock.advance(20);
    };
    for (let slice = 1; slice <= calls.length; slice++) {
      expect(round.slice(slow)).to.equal(slice === calls.length);
      expect(done).to.have.length(slice);
    }
  });

  it('is done where there are no calls', () => {
    round.begin([]);
    expect(round.isDone).to.equal(true);
    expect(round.slice(work)).to.equal(true);
    expect(done).to.deep.equal([]);
  });

  it('works for each call once a round', () => {
    for (let rounds = 0; rounds < 3; rounds++) {
      round.begin(calls);
      while (!round.slice(work)) clock.advance(2);
    }
    expect(done).to.deep.equal([...calls, ...calls, ...calls]);
  });
});
