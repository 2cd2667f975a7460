import { expect } from 'chai';
import { msSince, SendSchedule, timestampOf } from '../../bench/send-schedule.ts';

describe('the schedule of the callers', () => {
  it("spreads the callers' packets evenly over 20 ms", () => {
    const schedule = new SendSchedule(4, 1000);
    const packets = Array.from({ length: 5 }, () => schedule.next());
    expect(packets).to.deep.equal([
      { call: 0, frame: 0, dueMs: 1000 },
      { call: 1, frame: 0, dueMs: 1005 },
      { call: 2, frame: 0, dueMs: 1010 },
      { call: 3, frame: 0, dueMs: 1015 },
      { call: 0, frame: 1, dueMs: 1020 },
    ]);
    expect(schedule.count).to.equal(5);
  });

  it('does not drift', () => {
    const schedule = new SendSchedule(3, 0);
    for (let packet = 0; packet < 3 * 50 * 3600; packet++) schedule.next();
    expect(schedule.nextDueMs).to.be.closeTo(3_600_000, 1e-6);
  });
});

describe('timestamps that tell when a packet was due', () => {
  it('tell how long ago that was', () => {
    expect(msSince(timestampOf(5000), 5012.5)).to.equal(12.5);
    expect(msSince(timestampOf(5000), 4999)).to.equal(-1);
  });

  it('tell it across their wrap, after 24.8 hours', () => {
    const wrapMs = 2 ** 32 / 48;
    expect(msSince(timestampOf(wrapMs - 3), wrapMs + 4)).to.be.closeTo(7, 0.03);
  });
});
