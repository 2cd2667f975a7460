import { expect } from 'chai';
import type { TranscriptEntry } from '../../signalling/protocol.ts';
import { entryForClient, forClient } from '../../signalling/told-to-clients.ts';

const use = {
  callId: 'c1',
  turnId: 't1',
  startMs: 0,
  startedMs: 1,
  endedMs: 2,
  arguments: { text: 'Gate 7' },
  result: 1,
};
const entry: TranscriptEntry = {
  turnId: 't1',
  role: 'agent',
  text: 'Here it is.',
  final: true,
  startMs: 0,
  endMs: 1,
  tools: [
    { ...use, name: 'customer', kind: 'http', error: 'refused' },
    { ...use, name: 'send_text', kind: 'built-in' },
    { ...use, name: 'send_text', kind: 'http' },
  ],
};

describe('what clients are told of tools', () => {
  it('is that they were run and how that went, and of texts that were shown the text', () => {
    const [customer, shown, other] = entryForClient(entry).tools!;
    for (const hidden of [customer, other]) expect(hidden).to.not.have.any.keys('arguments', 'result');
    expect(customer).to.include({ name: 'customer', error: 'refused', startedMs: 1, endedMs: 2 });
    expect(shown).to.have.deep.property('arguments', { text: 'Gate 7' });
  });

  it('leaves everything else as it is', () => {
    expect(forClient({ name: 'transcript', data: entry })).to.not.deep.equal({ name: 'transcript', data: entry });
    const { tools: _tools, ...without } = entry;
    expect(entryForClient(without)).to.equal(without);
    const problem = { name: 'problem', data: { code: 'a', message: 'b' } } as const;
    expect(forClient(problem)).to.equal(problem);
  });
});
