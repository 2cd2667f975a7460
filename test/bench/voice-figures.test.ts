import { expect } from 'chai';
import { faultsOf, figureRows, figuresOf, type Stretch } from '../../bench/voice-figures.ts';
import type { VoiceStatistics } from '../../media/workers/voice-protocol.ts';

const statistics = (changes: Partial<VoiceStatistics>): VoiceStatistics =>
  ({
    packetsReceived: 0,
    packetsLost: 0,
    packetsSent: 0,
    late5Ms: 0,
    late20Ms: 0,
    skippedFrames: 0,
    kernelDrops: 0,
    windows: 0,
    runs: 0,
    ...changes,
  }) as VoiceStatistics;

const spread = { p50: 1, p99: 2, max: 3 };

const stretch = (changes: Partial<Stretch> = {}): Stretch => ({
  calls: 100,
  seconds: 10,
  cpuMs: { server: 3000, voiceThread: 2500, mediaWorker: 400, generator: 300 },
  before: statistics({ packetsReceived: 1000, windows: 100, runs: 50, late5Ms: 3, kernelDrops: 7 }),
  after: statistics({ packetsReceived: 51_000, windows: 31_300, runs: 3170, late5Ms: 4, kernelDrops: 9 }),
  observed: {
    cpuMs: 0,
    transitMs: spread,
    queuedToVerdictMs: spread,
    dueToVerdictMs: spread,
    loopDelayP99Ms: 1,
    collections: { count: 4, totalMs: 50, longestMs: 20 },
  },
  generator: { sent: 50_000, failed: 0, lateP99Ms: 1, lateMaxMs: 2 },
  mediaWorkerDrops: 1,
  ...changes,
});

describe('the figures of a stretch', () => {
  it('give CPU time for a call and for all, in percent of a core', () => {
    const { cpuPercent, coresPercent } = figuresOf(stretch());
    expect(cpuPercent).to.deep.equal({ voiceThread: 0.25, restOfServer: 0.05, mediaWorker: 0.04 });
    expect(coresPercent).to.deep.equal({ voiceThread: 25, mediaWorker: 4, generator: 3 });
  });

  it('count what happened within the stretch', () => {
    const { packets, playout, windowsPerRun, garbageCollection } = figuresOf(stretch());
    expect(packets).to.deep.equal({ sent: 50_000, received: 50_000, lost: 0, kernelDrops: 3 });
    expect(playout.late5Ms).to.equal(1);
    expect(windowsPerRun).to.equal(10);
    expect(garbageCollection).to.deep.equal({ percent: 0.5, longestMs: 20 });
  });
});

describe('a stretch is void', () => {
  const faults = (generator: Partial<Stretch['generator']>) =>
    faultsOf(stretch({ generator: { ...stretch().generator, ...generator } }));

  it('when the generator sent too little, failed to send, or was late', () => {
    expect(faults({ sent: 49_000 })).to.deep.equal(['the generator sent 49000 of 50000 packets']);
    expect(faults({ failed: 2 })).to.deep.equal(['the generator could not send 2 packets']);
    expect(faults({ lateP99Ms: 7.24 })).to.deep.equal(['the generator was 7.2 ms late (p99)']);
  });

  it('not because of the server', () => {
    const { generator, ...rest } = stretch({ after: statistics({ packetsLost: 5000 }) });
    expect(faultsOf({ ...rest, generator })).to.deep.equal([]);
  });

  it('and then does not count for the median', () => {
    const late = { ...stretch().generator, lateP99Ms: 30 };
    const cpuMs = { server: 9000, voiceThread: 9000, mediaWorker: 0, generator: 0 };
    const rows = figureRows([stretch({ generator: late, cpuMs }), stretch()].map(figuresOf));
    expect(rows[0]).to.deep.equal(['', 'median', '1 void', '2']);
    expect(rows[1]!.slice(1)).to.deep.equal([0.25, 0.9, 0.25]);
  });
});
