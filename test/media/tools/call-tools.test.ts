import { expect } from 'chai';
import { CallTools } from '../../../media/tools/call-tools.ts';
import type { ToolEntry, ToolRecord } from '../../../media/tools/tool-ledger.ts';

/** As a pod that hands over leaves it: nobody knows how it went. */
const running: ToolEntry = {
  turnId: 't1',
  call: { id: 'c1', name: 'book', arguments: { table: 2 } },
  idempotent: false,
  startedMs: 100,
};
const ended: ToolEntry = { ...running, endedMs: 900, outcome: { result: { booked: true } } };

describe('a tool that ran on in the pod that spoke before', () => {
  const open = (restored: ToolRecord) => {
    const records: ToolRecord[] = [];
    const tools = new CallTools({
      tools: [],
      values: { variables: {}, secrets: {} },
      http: { run: async () => undefined },
      code: { prepare: () => undefined, run: async () => undefined },
      decide: () => undefined,
      now: () => 1_000,
      side: {
        sessionId: 's1',
        restored,
        sessionMs: (nowMs) => nowMs,
        emit: () => undefined,
        record: async (record) => {
          records.push(record);
          return true;
        },
        endCall: () => undefined,
        used: () => undefined,
      },
    });
    const told = () => JSON.stringify(tools.withResults([{ role: 'user', text: 'Book it.', turnId: 't1' }]));
    return { tools, records, told };
  };

  it('may have been done or not, as far as the model is told, until the other pod says how it went', () => {
    const { tools, records, told } = open([running]);
    expect(told()).to.include('outcome_unknown');
    tools.learn([ended]);
    expect(told()).to.include('booked').and.not.to.include('outcome_unknown');
    expect(records.at(-1)?.[0]).to.deep.include({ outcome: ended.outcome });
  });

  it('is known, too, where that is said before this pod has taken over', () => {
    const { tools, told } = open([]);
    tools.learn([ended]);
    tools.takeOver([running]);
    expect(told()).to.include('booked').and.not.to.include('outcome_unknown');
  });

  it('changes nothing that is known, and nothing a second time', () => {
    const { tools, records, told } = open([{ ...ended, outcome: { result: 'known here' } }]);
    tools.learn([ended]);
    tools.learn([running]);
    expect(told()).to.include('known here');
    expect(records).to.deep.equal([]);
  });
});
