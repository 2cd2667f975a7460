import { expect } from 'chai';
import { supervise } from './supervisor.ts';
import { targets } from './targets.ts';

/** Of each target: a few seconds' worth. The same in every run, after all that is in its corpus. */
const INPUTS: Readonly<Record<string, number>> = {
  rtp: 3_000,
  rtcp: 20_000,
  opus: 6_000,
  wav: 10_000,
  message: 10_000,
  gateway: 250,
  bus: 3_000,
  token: 2_000,
  http: 600,
  yaml: 1_500,
  recognition: 400,
  voice: 400,
  model: 300,
  words: 1_000,
  address: 6_000,
};
const SEED = 1;
/** Beside the other tests, on a machine that may be busy; `npm run fuzz` holds to 50. */
const SLOW_MS = 200;
/** Far more than it takes: what is promised is no end, no standstill and no growth, not a pace. */
const PATIENCE_MS = 240_000;

describe('what takes bytes from outside', () => {
  it('is looked at whole', () => {
    expect(Object.keys(INPUTS)).to.have.members(Object.keys(targets));
  });

  for (const [target, inputs] of Object.entries(INPUTS)) {
    it(`outlives ${inputs} inputs: ${target}`, async function () {
      this.timeout(PATIENCE_MS + 30_000);
      const { findings, ...figures } = await supervise({
        target,
        seed: SEED,
        inputs,
        slowMs: SLOW_MS,
        forMs: PATIENCE_MS,
      });
      const told = findings.map(
        ({ kind, detail, input }) => `${kind}: ${detail}\nin base64: ${input.toString('base64').slice(0, 1_000)}`,
      );
      expect(told, told.join('\n\n').slice(0, 8_000)).to.be.empty;
      expect(figures.inputs).to.be.at.least(inputs);
      expect(figures.outcomes, 'outcomes, or nothing was reached').to.be.above(1);
    });
  }
});
