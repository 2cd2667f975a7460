import { expect } from 'chai';
import type { LanguageModelPart, ModelMessage } from '../../../media/providers/provider.ts';
import { tools as toolsSchema } from '../../../media/agent/tool-schema.ts';
import { ToolLedger } from '../../../media/tools/tool-ledger.ts';
import { ToolRunner, type ToolAction } from '../../../media/tools/tool-runner.ts';
import { ToolUsingModel, type ToolUsingModelOptions } from '../../../media/tools/tool-using-model.ts';
import { calls, says, ScriptedModel } from '../../support/scripted-model.ts';
import { virtualSleep } from '../../support/virtual-sleep.ts';
import { VirtualTiming } from '../../support/virtual-timing.ts';

const http = { type: 'http', description: 'Asks.', timeoutMs: 60_000 };
const TOOLS = toolsSchema.parse([
  { ...http, name: 'weather', url: 'https://a.example/' },
  { ...http, name: 'order', url: 'https://a.example/', method: 'POST', filler: 'I am ordering that.' },
]);
const HISTORY: ModelMessage[] = [{ role: 'user', text: 'How is the weather?' }];

describe('a language model with tools', () => {
  let timing: VirtualTiming;
  let takesMs: number;
  let ran: string[];

  beforeEach(() => {
    [timing, takesMs, ran] = [new VirtualTiming(0), 100, []];
  });

  const act: ToolAction = async ({ name }, _args, { signal }) => {
    ran.push(name);
    await virtualSleep(timing)(takesMs, signal);
    return { from: name };
  };

  /** What is said, each with the time when it was. */
  function converse(model: ScriptedModel, options: Partial<ToolUsingModelOptions> = {}, over = new AbortController()) {
    const sleep = virtualSleep(timing);
    const ledger = new ToolLedger();
    const record = () => Promise.resolve(true);
    const common = {
      tools: TOOLS,
      ledger,
      act,
      record,
      now: timing.nowMs,
      sleep,
      signal: new AbortController().signal,
    };
    const runner = new ToolRunner({ ...common, onEvent: () => undefined });
    const using = new ToolUsingModel({ model, runner, turnId: 't1', sleep, ...options });
    const parts: (LanguageModelPart & { atMs: number })[] = [];
    const done = (async () => {
      for await (const part of using.generate({ messages: HISTORY }, over.signal)) {
        parts.push({ ...part, atMs: timing.nowMs() });
      }
    })();
    const said = () => parts.flatMap((part) => (part.type === 'text' ? [`${part.atMs}: ${part.text}`] : []));
    return { parts, said, done, ledger, over };
  }

  it('is a model alone where it calls nothing', async () => {
    const model = new ScriptedModel([says('Hello.')]);
    const { parts, done } = converse(model);
    await done;
    expect(parts.map(({ type }) => type)).to.deep.equal(['text', 'usage', 'finish']);
    expect(model.requests[0]!.tools!.map(({ name }) => name)).to.deep.equal(['weather', 'order']);
  });

  it('runs what it calls, asks it again with the results, and counts both', async () => {
    const model = new ScriptedModel([calls('c1', 'weather'), calls('c2', 'order')], [says('It rains.')]);
    const { parts, said, done } = converse(model);
    await timing.advance(100);
    await done;
    expect(said()).to.deep.equal(['100: It rains.']);
    expect(parts.slice(-2)).to.deep.equal([
      { type: 'usage', inputTokens: 20, outputTokens: 2, atMs: 100 },
      { type: 'finish', reason: 'stop', atMs: 100 },
    ]);
    expect(model.requests[1]!.messages).to.deep.equal([
      ...HISTORY,
      {
        role: 'tool-calls',
        calls: [
          { id: 'c1', name: 'weather', arguments: {} },
          { id: 'c2', name: 'order', arguments: {} },
        ],
      },
      { role: 'tool-result', callId: 'c1', name: 'weather', result: { from: 'weather' } },
      { role: 'tool-result', callId: 'c2', name: 'order', result: { from: 'order' } },
    ]);
  });

  it('fills the silence of a tool that takes eight seconds, each line once', async () => {
    takesMs = 8_000;
    const { said, done } = converse(new ScriptedModel([calls('c1', 'weather')], [says('It rains.')]));
    await timing.advance(20_000);
    await done;
    expect(said()).to.deep.equal([
      '1200: One moment, please.\n',
      '6200: I am still working on it.\n',
      '8000: It rains.',
    ]);
  });

  it("says a tool's own words first", async () => {
    takesMs = 2_000;
    const { said, done } = converse(new ScriptedModel([calls('c1', 'order')], [says('Done.')]));
    await timing.advance(5_000);
    await done;
    expect(said()).to.deep.equal(['1200: I am ordering that.\n', '2000: Done.']);
  });

  it('does not repeat itself over rounds, nor speak over what the model has just said', async () => {
    takesMs = 1_500;
    const round = [says('Let me look.'), calls('c1', 'weather')];
    const { said, done } = converse(
      new ScriptedModel(round, [calls('c2', 'weather')], [calls('c3', 'order')], [says('Fine.')]),
    );
    await timing.advance(30_000);
    await done;
    expect(said().slice(0, 2)).to.deep.equal(['0: Let me look.', '0: \n']);
    expect(said().slice(2)).to.deep.equal([
      '2700: One moment, please.\n',
      '4200: I am ordering that.\n',
      '4500: Fine.',
    ]);
  });

  it('ends a model that goes in circles: in the last round there is nothing to call', async () => {
    const model = new ScriptedModel(...Array.from({ length: 3 }, (_, index) => [calls(`c${index}`, 'weather')]), [
      says('Enough.'),
    ]);
    const { said, done } = converse(model, { maxRounds: 3 });
    await timing.advance(1_000);
    await done;
    expect(model.requests).to.have.length(4);
    expect(model.requests[3]!.tools).to.equal(undefined);
    expect(said()).to.deep.equal(['300: Enough.']);
  });

  it('tells it of a call that made no sense', async () => {
    const invalid = { type: 'invalid-tool-call', id: 'c1', name: 'weather', problem: 'no JSON' } as const;
    const model = new ScriptedModel([invalid], [says('Sorry.')]);
    await converse(model).done;
    expect(ran).to.deep.equal([]);
    expect(model.requests[1]!.messages.at(-1)).to.deep.equal({
      role: 'tool-result',
      callId: 'c1',
      name: 'weather',
      result: { code: 'invalid_arguments', message: 'no JSON' },
      failed: true,
    });
  });

  it('runs nothing until the turn is certainly over', async () => {
    const certain = Promise.withResolvers<void>();
    const { said, done } = converse(new ScriptedModel([calls('c1', 'order')], [says('Done.')]), {
      mayRun: certain.promise,
    });
    await timing.advance(5_000);
    expect(ran).to.deep.equal([]);
    certain.resolve();
    await timing.advance(100);
    await done;
    expect(said()).to.deep.equal(['5100: Done.']);
  });

  it('runs nothing for a reply that was begun too early', async () => {
    const { done, over } = converse(new ScriptedModel([calls('c1', 'order')]), {
      mayRun: new Promise(() => undefined),
    });
    await timing.advance(10);
    over.abort();
    await done;
    expect(ran).to.deep.equal([]);
  });

  it('ends at once when the caller cuts in, and keeps the result of what runs on', async () => {
    takesMs = 3_000;
    const { parts, done, over, ledger } = converse(new ScriptedModel([calls('c1', 'order')]));
    await timing.advance(2_000);
    over.abort();
    await done;
    expect(parts.filter(({ type }) => type !== 'text')).to.deep.equal([]);
    await timing.advance(1_000);
    expect(ledger.messagesOf('t1').at(-1))
      .to.include({ role: 'tool-result', callId: 'c1' })
      .and.not.include({ failed: true });
  });
});
