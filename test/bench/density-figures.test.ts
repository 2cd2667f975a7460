import { expect } from 'chai';
import type { CallersReport } from '../../bench/callers/messages.ts';
import { noCounts } from '../../bench/callers/received-packets.ts';
import { bytesPerCall, limitsPassed, middleOf, stretchOf, type Reading } from '../../bench/density/density-figures.ts';
import { densityPlot } from '../../bench/density/density-plot.ts';
import type { Observed } from '../../bench/density/density-target.ts';

const spread = { count: 1000, p50: 0.5, p99: 2, p999: 3, max: 9 };
const report: CallersReport = {
  seconds: 10,
  live: 50,
  dropped: 0,
  sent: { packets: 10_000, latenessMs: spread },
  unsent: 0,
  received: { ...noCounts(), packets: 12_490, voice: 11_250, late20Ms: 5, lost: 3 },
  receivedLatenessMs: spread,
  events: {},
  turns: 50,
  speakingShare: 0.45,
  arrivals: [],
  cpuMs: 2000,
};
const observed: Observed = {
  thread: {
    cpuMs: 0,
    transitMs: spread,
    queuedToVerdictMs: spread,
    dueToVerdictMs: { p50: 2, p99: 12, max: 30 },
    loopDelayP99Ms: 3,
    collections: { count: 2, totalMs: 50, longestMs: 30 },
  },
  density: {
    playoutLatenessMs: { p50: 0.3, p99: 1, p999: 2 },
    skippedFrames: 2,
    decisionToPacketMs: { count: 0, p50: 0, p99: 0, max: 0 },
  },
  statistics: [],
};
const at = (server: number, mediaWorkers: number, voice: number): Reading => ({
  cpu: { server, mediaWorkers, threads: { MainThread: server - voice, 'voice-0': voice } },
  statistics: undefined,
});
const stretch = stretchOf({
  calls: 50,
  load: 1,
  before: at(1000, 500, 800),
  after: at(4000, 1500, 3500),
  observed,
  report,
});

describe('a stretch of the density measurement', () => {
  it('tells the CPU of all processes, and that of each call', () => {
    const { all, voiceThread, mainThread, mediaWorkers, callers } = stretch.corePercent;
    expect([all, voiceThread, mainThread, mediaWorkers, callers]).to.deep.equal([40, 27, 3, 10, 20]);
    expect(stretch.percentPerCall).to.equal(0.8);
    expect(stretch.collectionPercent).to.equal(0.5);
  });

  it('counts what was lost or left out as late', () => {
    expect(stretch.lateShare).to.be.closeTo(10 / 12_495, 1e-9);
    expect(stretch.speaking.agents).to.be.closeTo(0.45, 1e-9);
  });

  it('is within the limits up to 0.1 % of late packets and verdicts of 25 ms', () => {
    expect(limitsPassed(stretch)).to.deep.equal([]);
    expect(limitsPassed({ lateShare: 0.0015, dueToVerdictMs: { p50: 3, p99: 26 } })).to.deep.equal([
      "0.15 % of the agents' packets are late",
      'verdicts take 26 ms (p99)',
    ]);
  });

  it('that is void counts where all are, and not beside others', () => {
    const spoilt = { ...stretch, percentPerCall: 9, voids: ['late'] };
    const value = (of: typeof stretch) => of.percentPerCall;
    expect(middleOf([spoilt, stretch, { ...stretch, percentPerCall: 0.6 }], value)).to.deep.equal({
      median: 0.6,
      least: 0.6,
      most: 0.8,
    });
    expect(middleOf([spoilt], value).median).to.equal(9);
  });
});

describe('memory per call', () => {
  it('is what grew with the calls', () => {
    expect(bytesPerCall({ calls: 10, bytes: 200e6 }, { calls: 100, bytes: 290e6 })).to.equal(1e6);
  });
});

describe('the plot of the ramp', () => {
  it('is an SVG with a line for the CPU, the verdicts and the packets', () => {
    const svg = densityPlot({
      points: [{ calls: 50, stretches: [stretch] }],
      steps: [{ ...stretch, calls: 60, passed: [] }],
      callsPerCore: 60,
      endedBy: 'limits',
      memory: [],
      memoryPerCallMb: { allProcesses: 1, server: 0.8, mediaWorkers: 0.2, voiceWorkerInUse: 0.3 },
    });
    expect(svg).to.match(/^<svg/);
    expect(svg).to.include('60 calls on one core').and.to.include('CPU of the server').and.to.include('verdict, p99');
  });
});
