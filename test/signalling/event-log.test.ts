import { expect } from 'chai';
import type { CallEvent } from '../../signalling/call-control.ts';
import { EventLog } from '../../signalling/event-log.ts';

const problem = (code: string): CallEvent => ({ name: 'problem', data: { code, message: '' } });
const speaking = (atMs: number): CallEvent => ({
  name: 'agent-state',
  data: { state: 'speaking', output: 'normal', atMs },
});
const numbers = (events: ReturnType<EventLog['since']>): unknown =>
  events === 'gap' ? 'gap' : events.map(({ seq }) => seq);

describe('EventLog', () => {
  it('numbers events from 1 within its epoch', () => {
    const log = new EventLog({ epoch: 5 });
    expect(log.position).to.deep.equal({ epoch: 5, seq: 0 });
    expect(log.append(problem('a'), 0)).to.deep.equal({ ...problem('a'), epoch: 5, seq: 1 });
    log.append(problem('b'), 0);
    expect(log.position).to.deep.equal({ epoch: 5, seq: 2 });
  });

  it('gives what came after the last one seen', () => {
    const log = new EventLog({ epoch: 5 });
    for (const code of 'abcd') log.append(problem(code), 0);
    expect(numbers(log.since({ epoch: 5, seq: 0 }, 0))).to.deep.equal([1, 2, 3, 4]);
    expect(numbers(log.since({ epoch: 5, seq: 3 }, 0))).to.deep.equal([4]);
    expect(numbers(log.since({ epoch: 5, seq: 4 }, 0))).to.deep.equal([]);
  });

  it('says that there is a gap for another epoch or a number that it never gave', () => {
    const log = new EventLog({ epoch: 5 });
    log.append(problem('a'), 0);
    expect(log.since({ epoch: 4, seq: 1 }, 0)).to.equal('gap');
    expect(log.since({ epoch: 6, seq: 1 }, 0)).to.equal('gap');
    expect(log.since({ epoch: 5, seq: 2 }, 0)).to.equal('gap');
  });

  it('keeps events for 60 s', () => {
    const log = new EventLog({ epoch: 5 });
    log.append(problem('a'), 0);
    log.append(problem('b'), 30_000);
    expect(numbers(log.since({ epoch: 5, seq: 0 }, 59_999))).to.deep.equal([1, 2]);
    expect(log.since({ epoch: 5, seq: 0 }, 60_000)).to.equal('gap');
    expect(numbers(log.since({ epoch: 5, seq: 1 }, 60_000))).to.deep.equal([2]);
    expect(numbers(log.since({ epoch: 5, seq: 2 }, 600_000))).to.deep.equal([]);
  });

  it('keeps 10,000 events at most', () => {
    const log = new EventLog({ epoch: 5 });
    for (let i = 0; i < 25_000; i += 1) log.append(problem('a'), 0);
    expect(log.since({ epoch: 5, seq: 14_999 }, 0)).to.equal('gap');
    const kept = log.since({ epoch: 5, seq: 15_000 }, 0);
    expect(kept).to.have.lengthOf(10_000);
    expect(kept[0]).to.have.property('seq', 15_001);
  });

  it("remembers the agent's latest state however old it is", () => {
    const log = new EventLog({ epoch: 5 });
    expect(log.agentState).to.equal(undefined);
    log.append(speaking(1), 0);
    log.append(speaking(2), 0);
    log.append(problem('a'), 600_000);
    expect(log.agentState).to.deep.equal({ ...speaking(2), epoch: 5, seq: 2 });
  });
});
