import { expect } from 'chai';
import { tool as toolSchema } from '../../../media/agent/tool-schema.ts';
import { ClientTools } from '../../../media/tools/client-tools.ts';
import { CodeTools } from '../../../media/tools/code-tools.ts';
import { HttpTools } from '../../../media/tools/http-tools.ts';
import { toolActions } from '../../../media/tools/tool-actions.ts';
import { rejection } from '../../support/rejection.ts';

describe('what tools do', () => {
  let done: string[];
  const http = new HttpTools();
  const code = new CodeTools({ onFault: (fault) => void done.push(fault.message) });

  after(async () => {
    http.close();
    await code.close();
  });
  beforeEach(() => void (done = []));

  function act(declared: object, args: Record<string, unknown> = {}) {
    const client = new ClientTools({
      ask: ({ callId }) => void done.push(`asked ${callId}`),
      cancel: (callId) => void done.push(`cancelled ${callId}`),
      sleep: () => Promise.resolve(),
    });
    client.clientPresent('here');
    const actions = toolActions({
      http,
      client,
      code,
      values: { variables: { shop: 'north' }, secrets: { KEY: 'k' } },
      sessionId: 's1',
      endCall: () => void done.push('ended'),
      sendText: (text) => void done.push(`sent ${text}`),
    });
    const run = { turnId: 't1', callId: 'c1', signal: AbortSignal.timeout(50) };
    return actions(toolSchema.parse(declared), args, run);
  }

  it('is asked of the page', async () => {
    const failed = await rejection(act({ type: 'client', name: 'show', description: 'Shows.' }));
    expect(failed).to.have.property('name', 'TimeoutError');
    expect(done).to.deep.equal(['asked t1:c1', 'cancelled t1:c1']);
  });

  it('ends the call, and shows a text', async () => {
    expect(await act({ type: 'built-in', name: 'end_call' })).to.deep.equal({ done: true });
    await act({ type: 'built-in', name: 'send_text' }, { text: 'Gate 7' });
    expect(done).to.deep.equal(['ended', 'sent Gate 7']);
  });
});
