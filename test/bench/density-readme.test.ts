import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import type { DensityResult } from '../../bench/density/density-print.ts';
import { densityTable, withDensity } from '../../bench/density/density-readme.ts';

const summary = { count: 200, p50: 30, p95: 80, p99: 90, max: 95 };
const result: DensityResult = {
  measuredAt: '2026-11-25T23:20:00.000Z',
  machine: { cpu: 'EPYC', cores: 2, memoryGib: 8, system: 'Linux 6', node: 'v24' },
  calibration: { decodeUs: 14, windowUs: 25 },
  loadBefore: 0.1,
  loadAfter: 1.5,
  tookSeconds: 480,
  plan: { points: [10], runs: 3, seconds: 7, step: 10, most: 200, overloadSeconds: 20, joinSeconds: 10 },
  join: {
    perSecond: 20,
    seconds: 10,
    outcomes: { connected: 200 },
    steps: {
      answered: summary,
      hello: summary,
      joined: summary,
      connected: summary,
      firstPacket: summary,
      greeting: summary,
    },
    callersLateP99Ms: 1,
  },
};

describe("the README's table of what a core carries", () => {
  it('has each figure with its aim, and where it was measured', () => {
    const table = densityTable(result);
    expect(table).to.include(
      'Measured on 2026-11-25 (EPYC, 2 cores, 8 GiB, Linux 6, Node v24; load average before: 0.1)',
    );
    expect(table).to.include('| 20 joins a second for 10 s (200 heard it): click → greeting, p95, ms | 80 | ≤ 300 |');
  });

  it('marks an aim that was missed, also where some never got through', () => {
    const some = { ...result, join: { ...result.join!, outcomes: { connected: 190, failed: 10 } } };
    expect(densityTable(some)).to.include('| **80** | ≤ 300 |');
  });

  it('takes the place of the one before, and leaves the rest of the README as it is', async () => {
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
    const once = withDensity(readme, result);
    expect(withDensity(once, result)).to.equal(once);
    const outside = (text: string) => [text.split('<!-- density -->')[0], text.split('<!-- /density -->')[1]];
    expect(outside(once)).to.deep.equal(outside(readme));
  });

  it('is refused where there is no place for it', () => {
    expect(() => withDensity('# Parley', result)).to.throw('no place');
  });
});
