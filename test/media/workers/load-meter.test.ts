import { expect } from 'chai';
import { setTimeout as pause } from 'node:timers/promises';
import { LoadMeter } from '../../../media/workers/load-meter.ts';

describe('LoadMeter', () => {
  it('tells of the time since the heartbeat before', () => {
    const meter = new LoadMeter();
    for (let verdict = 0; verdict < 98; verdict++) meter.verdict(2);
    for (const late of [30, 30]) meter.verdict(late);
    for (const late of [0, 0, 25, 3]) meter.sent(late);
    meter.tick(7);
    meter.beat(3);
    expect(meter.recent).to.include({ windowsSkipped: 3, lateShare: 0.25 });
    expect(meter.recent.verdictP99Ms).to.be.closeTo(30, 0.1);
    expect(meter.recent.loopDelayP99Ms).to.be.closeTo(7, 0.1);
    meter.beat(3);
    expect(meter.recent).to.include({ windowsSkipped: 0, lateShare: 0, verdictP99Ms: 0, loopDelayP99Ms: 0 });
    expect(meter.verdictMs(50), 'since the start').to.be.closeTo(2, 0.1);
  });

  it('tells work from waiting', async () => {
    const meter = new LoadMeter();
    await pause(60);
    meter.beat(0);
    expect(meter.recent.working, 'slept').to.be.below(0.9);
    const { user, system } = process.threadCpuUsage();
    // 30 ms of this thread's own time, however long the machine takes for it.
    for (let used = 0; used < 30_000;) {
      const now = process.threadCpuUsage();
      used = now.user + now.system - user - system;
    }
    meter.beat(0);
    expect(meter.recent.working, 'worked').to.be.above(0);
    expect(meter.recent.working).to.be.at.most(1.1);
  });
});
