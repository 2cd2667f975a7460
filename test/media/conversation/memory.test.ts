import { expect } from 'chai';
import * as fc from 'fast-check';
import { agent } from '../../../media/agent/agent.ts';
import { CallMemory, type CallMemoryOptions } from '../../../media/voice-call/call-memory.ts';
import { ConversationHistory } from '../../../media/conversation/history.ts';
import { estimatedTokens, Memory } from '../../../media/conversation/memory.ts';
import type { Message } from '../../../media/providers/provider.ts';
import { summarise } from '../../../media/providers/summariser.ts';
import { eventually } from '../../support/eventually.ts';
import { rejection } from '../../support/rejection.ts';
import { says, ScriptedModel } from '../../support/scripted-model.ts';

const bounds = { aboveTokens: 300, keepTokens: 100 };
/** 40 estimated tokens. */
const LINE = 'x'.repeat(144);

/** So many turns of two lines each, 80 tokens a turn. */
const turns = (count: number, from = 1): Message[] =>
  Array.from({ length: count }, (_, index): Message[] => [
    { role: 'user', text: LINE, turnId: `t${index + from}` },
    { role: 'agent', text: LINE },
  ]).flat();

describe('the estimate of tokens', () => {
  it('is a token for four bytes of UTF-8, and four for each message', () => {
    expect(estimatedTokens([{ role: 'user', text: 'abcde' }])).to.equal(6);
    expect(estimatedTokens([{ role: 'user', text: 'ää' }])).to.equal(5);
    expect(estimatedTokens([{ role: 'agent', text: '' }, ...turns(1)])).to.equal(84);
    expect(estimatedTokens([{ role: 'tool-result', callId: 'c', name: 'n', result: LINE }])).to.be.greaterThan(40);
  });
});

describe('a memory', () => {
  it('tells all of what was said as long as it is short', () => {
    const memory = new Memory(bounds);
    expect(memory.due(turns(3))).to.equal(undefined);
    expect(memory.given(turns(3))).to.deep.equal(turns(3));
  });

  it('has all but the latest summarised when it is long, from the beginning of a turn on', () => {
    const memory = new Memory(bounds);
    const history = turns(4);
    const due = memory.due(history)!;
    expect(due).to.deep.equal({ messages: turns(3), fromTurnId: 't4', tokens: 320 });
    memory.summarised(due, 'They talked.');
    expect(memory.summary).to.equal('They talked.');
    expect(memory.given(history)).to.deep.equal(turns(1, 4));
    expect(memory.due(history)).to.equal(undefined);
  });

  it('has short lines summarised, too, before the history forgets them', () => {
    const { aboveTokens, keepTokens } = agent.parse({ name: 'a' }).memory;
    const memory = new Memory({ aboveTokens, keepTokens });
    const history = new ConversationHistory([]);
    for (let index = 0; memory.due(history.messages()) === undefined; index++) {
      for (const role of ['user', 'agent'] as const) {
        const data = { turnId: `t${index}`, role, text: 'Yes', final: true, startMs: 0, endMs: 1 };
        history.note({ name: 'transcript', data });
      }
    }
    expect(history.messages()[0]).to.include({ turnId: 't0' });
  });

  it('goes on from there, and again', () => {
    const memory = new Memory(bounds);
    memory.summarised(memory.due(turns(4))!, 'One.');
    const due = memory.due(turns(7))!;
    expect(due).to.deep.include({ messages: turns(3, 4), fromTurnId: 't7' });
    memory.summarised(due, 'Two.');
    expect(memory.given(turns(8))).to.deep.equal(turns(2, 7));
  });

  it('leaves out the oldest above half as much again, where it has no summary', () => {
    const memory = new Memory(bounds);
    expect(memory.given(turns(5))).to.have.length(10);
    const given = memory.given(turns(20));
    expect(estimatedTokens(given)).to.be.within(410, 450);
    expect(given.at(-1)).to.deep.equal(turns(20).at(-1));
  });

  it('goes on elsewhere, also where the line it goes on from is not known any more', () => {
    const memory = new Memory(bounds);
    memory.restore({ summary: 'One.', fromTurnId: 't4' });
    expect(memory.given(turns(4))).to.deep.equal(turns(1, 4));
    memory.restore({ summary: 'One.', fromTurnId: 't2' });
    expect(memory.given(turns(3, 5))).to.deep.equal(turns(3, 5));
  });

  it('loses nothing between summary and rest, and never tells more than it may', () => {
    const steps = fc.array(fc.record({ length: fc.nat(400), summary: fc.boolean() }), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (all) => {
        const memory = new Memory(bounds);
        const history: Message[] = [];
        let covered = 0;
        for (const [index, { length, summary }] of all.entries()) {
          history.push({ role: 'user', text: 'x'.repeat(length), turnId: `t${index}` }, { role: 'agent', text: 'ok' });
          const due = memory.due(history);
          if (summary && due) {
            expect(due.messages).to.deep.equal(history.slice(covered, covered + due.messages.length));
            covered += due.messages.length;
            memory.summarised(due, 'short');
          }
          const given = memory.given(history);
          expect(given).to.deep.equal(history.slice(history.length - given.length));
          expect(given.length).to.be.at.most(history.length - covered);
          expect(estimatedTokens(given)).to.be.at.most(450);
        }
      }),
    );
  });
});

describe('the memory of a call', () => {
  const decided: string[] = [];
  const options = (summarised: CallMemoryOptions['summarise']): CallMemoryOptions => ({
    ...bounds,
    expand: (messages) => messages,
    decide: (decision, reason, inputs) => decided.push(`${decision} ${reason} ${inputs['code'] ?? inputs['messages']}`),
    ...(summarised && { summarise: summarised }),
  });

  beforeEach(() => void decided.splice(0));

  it('summarises behind the replies, one at a time', async () => {
    const waiting = Promise.withResolvers<string>();
    let asked = 0;
    const memory = new CallMemory(
      options(() => {
        asked++;
        return waiting.promise;
      }),
    );
    memory.consider(turns(4));
    memory.consider(turns(5));
    expect(asked).to.equal(1);
    expect(memory.given(turns(4))).to.have.length(8);
    waiting.resolve('They talked.');
    await eventually(() => memory.summary === 'They talked.');
    expect(memory.given(turns(5))).to.deep.equal(turns(2, 4));
    expect(decided).to.deep.equal(['summarise long 6']);
    expect(memory.snapshot).to.deep.equal({ summary: 'They talked.', fromTurnId: 't4' });
  });

  it('tells why it has none, and does not ask again at once', async () => {
    let asked = 0;
    const memory = new CallMemory(
      options(() => {
        asked++;
        return Promise.reject(Object.assign(new Error('no'), { code: 'providers_exhausted' }));
      }),
    );
    memory.consider(turns(4));
    await eventually(() => decided.length > 0);
    memory.consider(turns(5));
    expect(asked).to.equal(1);
    expect(decided).to.deep.equal(['summarise failed providers_exhausted']);
    expect(memory.given(turns(5))).to.have.length(10);
  });

  it('gives up with its call, and asks nobody where that is set', async () => {
    let signal: AbortSignal | undefined;
    const memory = new CallMemory(
      options((_before, _messages, own) => {
        signal = own;
        return new Promise(() => undefined);
      }),
    );
    memory.consider(turns(4));
    memory.close();
    expect(signal?.aborted).to.equal(true);
    const silent = new CallMemory(options(undefined));
    silent.consider(turns(9));
    expect(silent.given(turns(9)).length).to.be.below(18);
  });
});

describe('a summary', () => {
  const never = new AbortController().signal;

  it('is asked for with the one before, what was said, and what was done', async () => {
    const model = new ScriptedModel([says('Ada wants '), says('two pizzas. ')]);
    const summary = await summarise(
      model,
      'Ada calls.',
      [
        { role: 'user', text: 'Two pizzas.' },
        { role: 'tool-calls', calls: [{ id: 'c', name: 'order', arguments: { count: 2 } }] },
        { role: 'tool-result', callId: 'c', name: 'order', result: { id: 7 } },
        { role: 'agent', text: 'Done.' },
      ],
      never,
    );
    expect(summary).to.equal('Ada wants two pizzas.');
    const [task, said] = model.requests[0]!.messages as [{ role: string }, { role: string; text: string }];
    expect([task.role, said.role]).to.deep.equal(['system', 'user']);
    expect(said.text).to.equal(
      'Summary so far:\nAda calls.\n\nWhat was said after that:\nCaller: Two pizzas.\nAgent uses order: {"count":2}\n' +
        'order gives: {"id":7}\nAgent: Done.',
    );
  });

  it('is none without words', async () => {
    const error = await rejection(summarise(new ScriptedModel([says(' ')]), undefined, turns(1), never));
    expect(error).to.include({ code: 'empty_summary' });
  });
});
