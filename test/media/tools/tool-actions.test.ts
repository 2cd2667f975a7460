import { expect } from 'chai';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { tool as toolSchema } from '../../../media/tool-schema.ts';
import { ClientTools } from '../../../media/tools/client-tools.ts';
import { HttpTools } from '../../../media/tools/http-tools.ts';
import { toolActions } from '../../../media/tools/tool-actions.ts';
import { rejection } from '../../support/rejection.ts';

const AGENT = `
let count: number = 0;
export const agent = {
  name: 'counting',
  tools: [
    { name: 'count', run: async ({ by }: { by: number }, { secrets, variables, callKey }) =>
      ({ count: (count += by), key: secrets.KEY, shop: variables.shop, callKey }) },
    { name: 'nothing', run() { return undefined; } },
    { name: 'circle', run() { const all: unknown[] = []; all.push(all); return all; } },
    { name: 'plain' },
  ],
};
`;

describe('what tools do', () => {
  let folder: string;
  let done: string[];
  const http = new HttpTools();

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-tools-'));
    await writeFile(join(folder, 'counting.ts'), AGENT);
  });
  after(async () => {
    http.close();
    await rm(folder, { recursive: true });
  });
  beforeEach(() => void (done = []));

  function act(declared: object, args: Record<string, unknown> = {}) {
    const client = new ClientTools(({ callId }) => void done.push(`asked ${callId}`));
    client.clientPresent(true);
    const actions = toolActions({
      http,
      client,
      values: { variables: { shop: 'north' }, secrets: { KEY: 'k' } },
      sessionId: 's1',
      endCall: () => void done.push('ended'),
      sendText: (text) => void done.push(`sent ${text}`),
    });
    const run = { turnId: 't1', callId: 'c1', signal: AbortSignal.timeout(50) };
    return actions(toolSchema.parse(declared), args, run);
  }

  const code = (name: string) => ({
    type: 'code',
    name,
    description: 'Counts.',
    module: pathToFileURL(join(folder, 'counting.ts')).href,
  });

  it('is a function of the agent file, which is loaded once', async () => {
    expect(await act(code('count'), { by: 2 })).to.deep.equal({
      count: 2,
      key: 'k',
      shop: 'north',
      callKey: 's1:t1:c1',
    });
    expect(await act(code('count'), { by: 3 })).to.include({ count: 5 });
    expect(await act(code('nothing'))).to.equal(null);
  });

  it('fails where there is no function, or what it returns is no JSON', async () => {
    for (const name of ['plain', 'missing'])
      expect(await rejection(act(code(name)))).to.have.property('code', 'failed');
    expect(await rejection(act(code('circle')))).to.be.instanceOf(TypeError);
  });

  it('is asked of the page', async () => {
    const failed = await rejection(act({ type: 'client', name: 'show', description: 'Shows.' }));
    expect(failed).to.have.property('name', 'TimeoutError');
    expect(done).to.deep.equal(['asked t1:c1']);
  });

  it('ends the call, and shows a text', async () => {
    expect(await act({ type: 'built-in', name: 'end_call' })).to.deep.equal({ done: true });
    await act({ type: 'built-in', name: 'send_text' }, { text: 'Gate 7' });
    expect(done).to.deep.equal(['ended', 'sent Gate 7']);
  });
});
