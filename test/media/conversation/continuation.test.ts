import { expect } from 'chai';
import { continuationOf, restore } from '../../../media/conversation/continuation.ts';

const conversation = { greeted: true, turnIndex: 2, turnNumber: 5, unheard: 'And the rest.' };
const transcript = [
  { role: 'agent' as const, turnId: 't1', text: 'Hello.', startMs: 0, endMs: 900 },
  { role: 'user' as const, turnId: 't2', text: '[1.0 s of speech]', startMs: 2000, endMs: 3000 },
  { role: 'agent' as const, turnId: 't2', text: 'You spoke.', startMs: 3500, endMs: 4000 },
];

describe('Continuation', () => {
  it('survives being written as JSON', () => {
    const continuation = JSON.parse(JSON.stringify(continuationOf(conversation, [], 10_000.4, 1_000_000))) as object;
    const restored = restore({ transcript, continuation: { ...continuation } }, 1_000_000);
    expect(restored?.conversation).to.deep.equal(conversation);
    expect(restored?.elapsedMs).to.equal(10_000);
    expect(restored?.history).to.deep.equal(
      transcript.map(({ role, text, turnId }) => (role === 'user' ? { role, text, turnId } : { role, text })),
    );
  });

  it('has what was done with tools, of whoever wrote it in a form that is known', () => {
    const tools = [{ turnId: 't2', call: { id: 'c1', name: 'order', arguments: {} }, idempotent: false, startedMs: 5 }];
    const continuation = continuationOf(conversation, tools, 1, 1);
    expect(restore({ transcript, continuation })?.tools).to.deep.equal(tools);
    expect(restore({ transcript, continuation: { ...continuation, tools: [{}] } })?.tools).to.deep.equal([]);
  });

  it('lets the time of the session go on through the break', () => {
    const continuation = continuationOf(conversation, [], 10_000, 1_000_000);
    expect(restore({ transcript, continuation }, 1_004_000)?.elapsedMs).to.equal(14_000);
    expect(restore({ transcript, continuation }, 900_000)?.elapsedMs, 'a clock that is behind').to.equal(10_000);
    expect(restore({ transcript, continuation })?.elapsedMs, 'saved just now').to.equal(10_000);
  });

  it('is nothing where nothing was said', () => {
    expect(restore({ transcript: [] }, 0)).to.equal(undefined);
  });

  for (const [what, continuation] of Object.entries({
    'of another version': { ...continuationOf(conversation, [], 1, 1), version: 2 },
    'without a conversation': { version: 1, elapsedMs: 1, savedAt: 1 },
    'with times that are none': { ...continuationOf(conversation, [], 1, 1), elapsedMs: 'long' },
  })) {
    it(`${what} is not gone by: the transcript is`, () => {
      const restored = restore({ transcript, continuation }, 5);
      expect(restored?.conversation).to.deep.equal({ greeted: true, turnIndex: 1, turnNumber: 2 });
      expect(restored?.elapsedMs).to.equal(4000);
    });
  }
});
