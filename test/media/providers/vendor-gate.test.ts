import { expect } from 'chai';
import { ProviderError, type ProviderErrorCode } from '../../../media/providers/errors.ts';
import { Passage, VendorGate } from '../../../media/providers/vendor-gate.ts';
import { VendorLimit } from '../../../media/providers/vendor-limit.ts';
import { eventually } from '../../support/eventually.ts';

const never = new AbortController().signal;
const failure = (code: ProviderErrorCode, retryAfterMs?: number) =>
  new ProviderError(code, 'failed', { provider: 'a/b', ...(retryAfterMs !== undefined && { retryAfterMs }) });

/** Goes through; fails the test where it is refused. */
async function pass(gate: VendorGate, options?: { force: boolean }): Promise<Passage> {
  const entered = await gate.enter(never, options);
  expect(entered).to.be.instanceOf(Passage);
  return entered as Passage;
}

async function fail(gate: VendorGate, times: number, error = failure('vendor_failed')): Promise<void> {
  for (let n = 0; n < times; n++) (await pass(gate)).failed(error);
  // Outcomes are noted in microtasks.
  await new Promise((resolve) => setImmediate(resolve));
}

describe('the gate of a vendor', () => {
  it('closes after three failures in a row, and says so at once', async () => {
    const gate = new VendorGate({ openMs: 60_000 });
    await fail(gate, 2);
    (await pass(gate)).succeeded();
    await fail(gate, 3);
    expect(gate.open).to.equal(true);
    expect(await gate.enter(never)).to.deep.equal({ refused: 'circuit-open', waitedMs: 0 });
  });

  it('takes no offence at requests that any vendor would refuse, nor at callers who leave', async () => {
    const gate = new VendorGate();
    await fail(gate, 5, failure('invalid_request'));
    await fail(gate, 5, failure('unknown_model'));
    for (let n = 0; n < 5; n++) (await pass(gate)).left();
    await new Promise((resolve) => setImmediate(resolve));
    expect(gate.open).to.equal(false);
  });

  it('lets one call try after a while, and the others after its first result', async () => {
    const gate = new VendorGate({ failures: 1, openMs: 20 });
    await fail(gate, 1);
    let trial: unknown;
    await eventually(async () => (trial = await gate.enter(never)) instanceof Passage);
    expect(await gate.enter(never)).to.include({ refused: 'circuit-open' });
    (trial as Passage).firstResult();
    await eventually(() => !gate.open);
    (await pass(gate)).succeeded();
  });

  it('stays closed where the one that tried fails', async () => {
    const gate = new VendorGate({ failures: 1, openMs: 20 });
    await fail(gate, 1);
    let trial: unknown;
    await eventually(async () => (trial = await gate.enter(never)) instanceof Passage);
    (trial as Passage).failed(failure('stalled'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(await gate.enter(never)).to.include({ refused: 'circuit-open' });
  });

  it('leaves a vendor alone for as long as it asks', async () => {
    const gate = new VendorGate({ failures: 1, openMs: 1 });
    await fail(gate, 1, failure('rate_limited', 60_000));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await gate.enter(never)).to.include({ refused: 'circuit-open' });
  });

  it('can be forced where there is nobody else', async () => {
    const gate = new VendorGate({ failures: 1, openMs: 60_000 });
    await fail(gate, 1);
    (await pass(gate, { force: true })).succeeded();
  });

  it('lets no more through than the key allows, each place given back however it ends', async () => {
    const limit = new VendorLimit({ concurrent: 2, sharers: () => 1, maxWaitMs: 20 });
    const gate = new VendorGate({ limit });
    const [first, second] = [await pass(gate), await pass(gate)];
    const refused = await gate.enter(never);
    expect(refused).to.include({ refused: 'no-capacity' });
    expect(refused).to.have.property('waitedMs').that.is.at.least(15);
    first.succeeded();
    first.failed(failure('stalled'));
    second.failed(failure('stalled'));
    const third = await pass(gate);
    third.left();
    expect(limit.used).to.equal(0);
  });
});
