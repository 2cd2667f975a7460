import { expect } from 'chai';
import { CUT_OFF_NOTE, LlmResponder } from '../../../media/providers/llm-responder.ts';
import type { LanguageModelPart, LanguageModelRequest } from '../../../media/providers/provider.ts';
import { collect } from '../../support/collect.ts';

const TURN = { turnId: 't2', text: 'Hello?', speechMs: 500, endpointingMs: 300, turnIndex: 0 };
const HISTORY = [
  { role: 'agent', text: 'Good morning.' },
  { role: 'user', text: 'Hello?' },
] as const;

function responder(parts: LanguageModelPart[]) {
  const requests: LanguageModelRequest[] = [];
  const model = {
    name: 'test/model',
    async *generate(request: LanguageModelRequest) {
      requests.push(request);
      yield* parts;
    },
  };
  return { requests, answer: new LlmResponder({ model, prompt: 'You sell pizza.' }) };
}

describe('LlmResponder', () => {
  const { signal } = new AbortController();

  it('says what the model writes, which is told who it is, how it is heard, and what was said', async () => {
    const { requests, answer } = responder([
      { type: 'text', text: 'Good ' },
      { type: 'text', text: 'morning.' },
      { type: 'finish', reason: 'stop' },
    ]);
    const { items } = await collect(answer.respond(TURN, HISTORY, signal));
    expect(items).to.deep.equal([
      { type: 'text', text: 'Good ' },
      { type: 'text', text: 'morning.' },
    ]);
    const [system, ...said] = requests[0]!.messages;
    expect(system).to.include({ role: 'system' });
    expect((system as { text: string }).text).to.match(/^You sell pizza\.\n\n.*by voice/);
    expect(said).to.deep.equal(HISTORY);
  });

  it('tells the model where its words were cut off, and only about so', async () => {
    const { requests, answer } = responder([{ type: 'text', text: 'Yes.' }]);
    const history = [
      { role: 'agent', text: 'We have pizza and', estimated: true },
      { role: 'user', text: 'Just pizza.', turnId: 't2' },
      { role: 'agent', text: 'Of course. Which' },
      { role: 'user', text: 'Two margheritas.', turnId: 't3' },
    ] as const;
    await collect(answer.respond(TURN, history, signal));
    expect(requests[0]!.messages.slice(1)).to.deep.equal([
      { role: 'agent', text: 'We have pizza and' },
      { role: 'user', text: `${CUT_OFF_NOTE} Just pizza.`, turnId: 't2' },
      { role: 'agent', text: 'Of course. Which' },
      { role: 'user', text: 'Two margheritas.', turnId: 't3' },
    ]);
  });

  it('fails where the model has not a word to say, so that the turn is tried again', async () => {
    const { answer } = responder([
      { type: 'text', text: ' ' },
      { type: 'finish', reason: 'stop' },
    ]);
    const { error } = await collect(answer.respond(TURN, HISTORY, signal));
    expect(error).to.include({ code: 'empty_reply', retryable: true });
  });
});
