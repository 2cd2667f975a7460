import { expect } from 'chai';
import { runHistory } from './history.ts';
import type { History } from './history.ts';

/** The first of many: `npm run check:ownership` runs 10,000 others. */
const HISTORIES = 300;

const report = ({ seed, violations, lines }: History): string =>
  [`seed ${seed}`, ...violations.map(({ rule, text }) => `${rule}: ${text}`), ...lines].join('\n');

describe('who leads a session, whatever goes wrong', () => {
  it(`is one pod, which has all that was acknowledged, in ${HISTORIES} histories`, async function () {
    this.timeout(120_000);
    for (let seed = 1; seed <= HISTORIES; seed += 1) {
      const history = await runHistory(seed);
      if (history.violations.length > 0) expect.fail(report(history));
    }
  });

  it('is decided the same way each time that a seed is played again', async () => {
    const [first, second] = [await runHistory(63), await runHistory(63)];
    expect(second.lines).to.deep.equal(first.lines);
  });
});
