import { expect } from 'chai';
import { ClientTools, type ClientToolCall } from '../../../media/tools/client-tools.ts';
import { rejection } from '../../support/rejection.ts';

describe('tools in the page of the caller', () => {
  let asked: ClientToolCall[];
  let page: ClientTools;
  let over: AbortController;

  beforeEach(() => {
    [asked, over] = [[], new AbortController()];
    page = new ClientTools((call) => void asked.push(call));
  });

  const run = () => page.run('show', { color: 'red' }, { turnId: 't1', callId: 'c1', signal: over.signal });

  it('are asked for by name, and give what the page answers', async () => {
    page.clientPresent(true);
    const result = run();
    expect(asked).to.deep.equal([{ callId: 't1:c1', turnId: 't1', name: 'show', arguments: { color: 'red' } }]);
    expect(page.answer({ callId: 't1:c1', result: { shown: true } })).to.equal(true);
    expect(await result).to.deep.equal({ shown: true });
    expect(page.answer({ callId: 't1:c1', result: 'again' })).to.equal(false);
  });

  it('fail where there is no page, no handler, or one that fails', async () => {
    expect(await rejection(run())).to.have.property('code', 'no_client');
    page.clientPresent(true);
    for (const error of ['no_handler', 'failed'] as const) {
      const failed = rejection(run());
      page.answer({ callId: 't1:c1', error, message: 'm'.repeat(1000) });
      expect(await failed).to.have.property('code', error);
    }
  });

  it('wait for a page that has gone until their time is over: it may come back', async () => {
    page.clientPresent(true);
    const result = run();
    page.clientPresent(false);
    page.clientPresent(true);
    page.answer({ callId: 't1:c1', result: 1 });
    expect(await result).to.equal(1);
  });

  it('end with their signal, and take no answer then', async () => {
    page.clientPresent(true);
    const failed = rejection(run());
    over.abort(new Error('late'));
    expect(await failed).to.have.property('message', 'late');
    expect(page.answer({ callId: 't1:c1', result: 1 })).to.equal(false);
  });

  it('take no answer that is too long', async () => {
    page.clientPresent(true);
    const failed = rejection(run());
    page.answer({ callId: 't1:c1', result: 'x'.repeat(20_000) });
    expect(await failed).to.have.property('code', 'too_large');
  });
});
