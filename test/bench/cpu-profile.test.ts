import { expect } from 'chai';
import { allocatedBytes, allocationShares, timeShares } from '../../bench/cpu-profile.ts';

const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 9 });

describe('a profile in short', () => {
  it('gives each function its share of the time, the largest first', () => {
    const shares = timeShares({
      nodes: [
        { id: 1, callFrame: frame('(idle)') },
        { id: 2, callFrame: frame('decode', 'file:///app/media/audio/opus.ts') },
        { id: 3, callFrame: frame('decode', 'file:///app/media/audio/opus.ts') },
      ],
      samples: [1, 2, 3, 2],
      timeDeltas: [100, 100, 100, 100],
    });
    expect(shares).to.deep.equal([
      { name: 'decode audio/opus.ts:10', share: 0.75 },
      { name: '(idle)', share: 0.25 },
    ]);
  });

  it('gives each function its share of what was allocated, wherever it was called from', () => {
    const leaf = (selfSize: number) => ({ callFrame: frame('slice'), selfSize, children: [] });
    const head = { callFrame: frame(''), selfSize: 100, children: [leaf(250), leaf(50)] };
    expect(allocationShares({ head })).to.deep.equal([
      { name: 'slice', share: 0.75 },
      { name: '(anonymous)', share: 0.25 },
    ]);
    expect(allocatedBytes({ head })).to.equal(400);
  });
});
