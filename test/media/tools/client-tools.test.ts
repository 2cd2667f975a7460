import { expect } from 'chai';
import { callOfClient, ClientTools, outcomeOf, type ClientToolCall } from '../../../media/tools/client-tools.ts';
import { rejection } from '../../support/rejection.ts';
import { virtualSleep } from '../../support/virtual-sleep.ts';
import { VirtualTiming } from '../../support/virtual-timing.ts';

describe('tools in the page of the caller', () => {
  let asked: ClientToolCall[];
  let cancelled: string[];
  let page: ClientTools;
  let over: AbortController;
  let timing: VirtualTiming;

  beforeEach(() => {
    [asked, cancelled, over, timing] = [[], [], new AbortController(), new VirtualTiming(0)];
    page = new ClientTools({
      ask: (call) => void asked.push(call),
      cancel: (id) => void cancelled.push(id),
      sleep: virtualSleep(timing),
    });
  });

  const show = { name: 'show', arguments: { color: 'red' }, timeoutMs: 60_000 };
  const run = () => page.run(show, { turnId: 't1', callId: 'c1', signal: over.signal });

  it('are asked for by name, and give what the page answers', async () => {
    page.clientPresent('here');
    const result = run();
    expect(asked).to.deep.equal([{ callId: 't1:c1', turnId: 't1', ...show }]);
    expect(page.answer({ callId: 't1:c1', result: { shown: true } })).to.equal(true);
    expect(await result).to.deep.equal({ shown: true });
    expect(page.answer({ callId: 't1:c1', result: 'again' })).to.equal(false);
  });

  it('fail where there is no page, no handler, or one that fails', async () => {
    expect(await rejection(run())).to.have.property('code', 'no_client');
    page.clientPresent('here');
    for (const error of ['no_handler', 'failed'] as const) {
      const failed = rejection(run());
      page.answer({ callId: 't1:c1', error, message: 'm'.repeat(1000) });
      expect(await failed).to.have.property('code', error);
    }
  });

  it('wait for a page that has lost its connection: it may come back', async () => {
    page.clientPresent('here');
    const result = run();
    page.clientPresent('away');
    await timing.advance(4_999);
    page.clientPresent('here');
    await timing.advance(60_000);
    page.answer({ callId: 't1:c1', result: 1 });
    expect(await result).to.equal(1);
    expect(cancelled).to.deep.equal([]);
  });

  it('are asked for while it is away, for it is told what it has missed, and were not done where it stays away', async () => {
    page.clientPresent('here');
    page.clientPresent('away');
    const failed = rejection(run());
    expect(asked).to.have.length(1);
    await timing.advance(5_000);
    const error = await failed;
    expect(error).to.have.property('code', 'no_client');
    expect(error).to.have.property('message').that.includes('was not done');
    expect(cancelled).to.deep.equal(['t1:c1']);
    expect(await rejection(run())).to.have.property('code', 'no_client');
    expect(asked).to.have.length(1);
  });

  it('may have been done or not where the page goes for good in their midst', async () => {
    page.clientPresent('here');
    const failed = rejection(run());
    page.clientPresent('away');
    await timing.advance(5_000);
    expect(await failed)
      .to.have.property('message')
      .that.includes('may have been done');
  });

  it('are lost with a page that is loaded anew, which knows nothing of them', async () => {
    page.clientPresent('anew');
    const failed = rejection(run());
    page.clientPresent('away');
    page.clientPresent('anew');
    const error = await failed;
    expect(error).to.have.property('code', 'no_client');
    expect(error).to.have.property('message').that.includes('loaded anew').and.includes('may have been done');
    const result = run();
    page.answer({ callId: 't1:c1', result: 1 });
    expect(await result).to.equal(1);
  });

  it('end with their signal, which the page is told, and take no answer then', async () => {
    page.clientPresent('here');
    const failed = rejection(run());
    over.abort(new Error('late'));
    expect(await failed).to.have.property('message', 'late');
    expect(cancelled).to.deep.equal(['t1:c1']);
    expect(page.answer({ callId: 't1:c1', result: 1 })).to.equal(false);
  });

  it('have names that tell the turn, and answers that a ledger can keep', () => {
    expect(callOfClient('t12:call:7')).to.deep.equal({ turnId: 't12', callId: 'call:7' });
    expect(outcomeOf({ callId: 'a', result: undefined })).to.deep.equal({ result: null });
    expect(outcomeOf({ callId: 'a', error: 'failed', message: 'm' })).to.have.nested.property('error.code', 'failed');
  });

  it('take no answer that is too long', async () => {
    page.clientPresent('here');
    const failed = rejection(run());
    page.answer({ callId: 't1:c1', result: 'x'.repeat(20_000) });
    expect(await failed).to.have.property('code', 'too_large');
  });
});
