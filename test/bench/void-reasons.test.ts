import { expect } from 'chai';
import type { CallersReport } from '../../bench/callers/messages.ts';
import { noCounts } from '../../bench/callers/received-packets.ts';
import { voidReasons } from '../../bench/callers/void-reasons.ts';

const spread = { count: 1000, p50: 0.5, p99: 2, p999: 3, max: 9 };
const report: CallersReport = {
  seconds: 10,
  live: 50,
  dropped: 0,
  sent: { packets: 10_000, latenessMs: spread },
  unsent: 0,
  received: noCounts(),
  receivedLatenessMs: spread,
  events: {},
  turns: 50,
  speakingShare: 0.45,
  arrivals: [],
  cpuMs: 2000,
};

describe('a stretch of callers', () => {
  it('counts when they were in time and had time left', () => {
    expect(voidReasons(report)).to.deep.equal([]);
  });

  it('is void when they sent late, had no time left, or left packets out', () => {
    expect(voidReasons({ ...report, sent: { packets: 10_000, latenessMs: { ...spread, p99: 7.31 } } })).to.deep.equal([
      'the callers sent 7.3 ms late (p99)',
    ]);
    expect(voidReasons({ ...report, cpuMs: 9000 })).to.deep.equal(['the callers took 90 % of a core']);
    expect(voidReasons({ ...report, unsent: 300 })).to.deep.equal(['the callers left out 300 packets']);
  });
});
