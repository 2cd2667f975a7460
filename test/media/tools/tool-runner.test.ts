import { expect } from 'chai';
import { tools as toolsSchema } from '../../../media/agent/tool-schema.ts';
import { ToolError } from '../../../media/tools/tool-error.ts';
import { ToolLedger, type ToolRecord } from '../../../media/tools/tool-ledger.ts';
import { ToolRunner, type ToolAction, type ToolEvent, type ToolRun } from '../../../media/tools/tool-runner.ts';
import { virtualSleep } from '../../support/virtual-sleep.ts';
import { VirtualTiming } from '../../support/virtual-timing.ts';

const never = new AbortController().signal;
const city = { type: 'object', properties: { city: { type: 'string', minLength: 2 } }, required: ['city'] };
const TOOLS = toolsSchema.parse([
  { type: 'http', name: 'weather', description: 'Tells the weather.', url: 'https://a.example/', parameters: city },
  { type: 'http', name: 'order', description: 'Orders.', method: 'POST', url: 'https://a.example/', timeoutMs: 5000 },
  { type: 'built-in', name: 'send_text' },
  { type: 'client', name: 'sign', description: 'Has the caller sign.' },
]);

describe('a runner of tools', () => {
  let timing: VirtualTiming;
  let events: ToolEvent[];
  let begun: {
    name: string;
    args: object;
    run: ToolRun;
    done: (result: unknown) => void;
    fail: (error: Error) => void;
  }[];
  let recorded: ToolRecord[];
  let ended: AbortController;

  beforeEach(() => {
    [timing, events, begun, recorded, ended] = [new VirtualTiming(0), [], [], [], new AbortController()];
  });

  const act: ToolAction = ({ name }, args, run) =>
    new Promise((done, fail) => void begun.push({ name, args, run, done, fail }));

  function runner(options: { ledger?: ToolLedger; record?: () => Promise<boolean> } = {}) {
    const ledger = options.ledger ?? new ToolLedger();
    const record = options.record ?? (async () => recorded.push(ledger.record) > 0);
    const common = { tools: TOOLS, ledger, act, record, now: timing.nowMs, sleep: virtualSleep(timing) };
    const made = new ToolRunner({ ...common, signal: ended.signal, onEvent: (event) => void events.push(event) });
    const run = (id: string, name: string, args: object = {}, signal = never, turnId = 't1') =>
      made.run(turnId, { id, name, arguments: args }, signal);
    return { made, ledger, run };
  }

  it('declares all tools with the schema of their arguments', () => {
    const { declarations } = runner().made;
    expect(declarations.map(({ name }) => name)).to.deep.equal(['weather', 'order', 'send_text', 'sign']);
    expect(declarations[0]!.parameters).to.deep.equal(city);
    expect(declarations[2]!.parameters).to.have.property('required').that.deep.equals(['text']);
  });

  it('gives back what the tool does, and tells of it without what was said', async () => {
    const { run } = runner();
    const outcome = run('c1', 'weather', { city: 'Bremen' });
    await timing.advance(300);
    begun[0]!.done({ sky: 'grey' });
    expect(await outcome).to.deep.equal({ result: { sky: 'grey' } });
    const about = { turnId: 't1', callId: 'c1', name: 'weather', kind: 'http' };
    expect(events).to.deep.equal([
      { ...about, state: 'started' },
      { ...about, state: 'ended', tookMs: 300 },
    ]);
  });

  it('refuses arguments that the schema does not have, naming them, and runs nothing', async () => {
    const { run } = runner();
    for (const args of [{}, { city: 'B' }, { city: 5 }]) {
      const outcome = await run(`c${JSON.stringify(args)}`, 'weather', args);
      expect(outcome).to.have.nested.property('error.code', 'invalid_arguments');
      expect(outcome).to.have.nested.property('error.message').that.includes('city');
    }
    expect(await run('c', 'fly')).to.have.nested.property('error.code', 'unknown_tool');
    expect([begun, events]).to.deep.equal([[], []]);
  });

  it('runs a call once, whoever asks for it again, at once or later', async () => {
    const { run } = runner();
    const outcomes = [run('c1', 'order'), run('c1', 'order')];
    await timing.advance(1);
    begun[0]!.done('done');
    expect(await Promise.all(outcomes)).to.deep.equal([{ result: 'done' }, { result: 'done' }]);
    expect(await run('c1', 'order')).to.deep.equal({ result: 'done' });
    expect(begun).to.have.length(1);
  });

  it('takes the same id in another turn for another call', async () => {
    const { run } = runner();
    void run('c1', 'order');
    void run('c1', 'order', {}, never, 't2');
    await timing.advance(1);
    expect(begun).to.have.length(2);
  });

  it('gives a tool its time and no more, and says where it may have been done all the same', async () => {
    const { run } = runner();
    const [weather, order] = [run('c1', 'weather', { city: 'Bremen' }), run('c2', 'order')];
    await timing.advance(5_000);
    expect(await order)
      .to.have.nested.property('error.message')
      .that.includes('may have been done');
    expect(begun[1]!.run.signal.aborted).to.equal(true);
    await timing.advance(5_000);
    expect(await weather).to.deep.equal({
      error: { code: 'timed_out', message: 'The tool did not answer within 10000 ms.' },
    });
  });

  it('tells how a tool failed, and of one that broke only that it did', async () => {
    const { run } = runner();
    const [refused, broke] = [run('c1', 'weather', { city: 'Bremen' }), run('c2', 'weather', { city: 'Bonn' })];
    await timing.advance(1);
    begun[0]!.fail(new ToolError('refused', 'HTTP 404', { status: 404, detail: 'no such city' }));
    begun[1]!.fail(new Error('password=hunter2'));
    expect(await refused).to.deep.equal({
      error: { code: 'refused', message: 'HTTP 404', status: 404, detail: 'no such city' },
    });
    expect(await broke).to.deep.equal({ error: { code: 'failed', message: 'The tool failed.' } });
  });

  it('begins what cannot be undone when that is recorded, and not before', async () => {
    const written = Promise.withResolvers<boolean>();
    const { run, ledger } = runner({ record: () => written.promise });
    const order = run('c1', 'order');
    await timing.advance(500);
    expect(ledger.record).to.have.length(1);
    expect(begun).to.have.length(0);
    written.resolve(true);
    await timing.advance(0);
    expect(begun).to.have.length(1);
    begun[0]!.done(1);
    await order;
  });

  it('does not do what cannot be undone where it could not be recorded, and says that it was not done', async () => {
    const lost = await runner({ record: () => Promise.resolve(false) }).run('c1', 'order');
    const broke = await runner({ record: () => Promise.reject(new Error('away')) }).run('c1', 'order');
    const late = runner({ record: () => new Promise(() => undefined) }).run('c1', 'order');
    await timing.advance(5_000);
    for (const outcome of [lost, broke, await late]) {
      expect(outcome).to.have.nested.property('error.code', 'not_recorded');
      expect(outcome).to.have.nested.property('error.message').that.includes('was not done');
    }
    expect(begun).to.have.length(0);
  });

  it('does not begin what cannot be undone once the caller has cut in', async () => {
    const written = Promise.withResolvers<boolean>();
    const cutIn = new AbortController();
    const order = runner({ record: () => written.promise }).run('c1', 'order', {}, cutIn.signal);
    await timing.advance(1);
    cutIn.abort(new Error('cut in'));
    written.resolve(true);
    expect(await order)
      .to.have.nested.property('error.message')
      .that.includes('was not done');
    expect(begun).to.have.length(0);
  });

  it('has each outcome recorded, of what does no harm, too', async () => {
    const { run } = runner();
    const outcome = run('c1', 'weather', { city: 'Bremen' });
    await timing.advance(1);
    begun[0]!.done('rain');
    await outcome;
    expect(recorded.at(-1)).to.have.nested.property('[0].outcome.result', 'rain');
  });

  it('stops what does no harm when the caller cuts in, and lets the rest run to its end', async () => {
    const { run, ledger } = runner();
    const cutIn = new AbortController();
    const outcomes = [run('c1', 'weather', { city: 'Bremen' }, cutIn.signal), run('c2', 'order', {}, cutIn.signal)];
    await timing.advance(1_000);
    cutIn.abort(new Error('cut in'));
    expect(await outcomes[0]).to.have.nested.property('error.code', 'interrupted');
    expect(begun.map(({ run: { signal } }) => signal.aborted)).to.deep.equal([true, false]);
    expect(ledger.messagesOf('t1').at(-1)).to.deep.include({ name: 'order', failed: true });
    begun[1]!.done({ number: 17 });
    await outcomes[1];
    expect(ledger.messagesOf('t1').at(-1)).to.deep.equal({
      role: 'tool-result',
      callId: 'c2',
      name: 'order',
      result: { number: 17 },
    });
  });

  it('stops with the conversation what does no harm and what needs the page, and lets the rest run to its end', async () => {
    const { run, ledger } = runner();
    const outcomes = [run('c1', 'weather', { city: 'Bremen' }), run('c2', 'sign'), run('c3', 'order')];
    await timing.advance(1);
    ended.abort(new Error('over'));
    await Promise.all(outcomes.slice(0, 2));
    for (const id of ['c1', 'c2']) expect(ledger.find('t1', id)).to.have.nested.property('outcome.error');
    expect(begun.map(({ name, run: { signal } }) => [name, signal.aborted])).to.deep.equal([
      ['weather', true],
      ['sign', true],
      ['order', false],
    ]);
    begun[2]!.done('ordered');
    expect(await outcomes[2]).to.deep.equal({ result: 'ordered' });
  });

  it('leaves what ran in a pod that died undone a second time, and says that nobody knows', async () => {
    const before = runner();
    void before.run('c1', 'order', { pizza: 2 });
    void before.run('c2', 'weather', { city: 'Bremen' });
    await timing.advance(1);
    const ledger = new ToolLedger(JSON.parse(JSON.stringify(recorded.at(-1))) as ToolRecord);
    const { run } = runner({ ledger });
    begun = [];
    expect(await run('c1', 'order', { pizza: 2 })).to.have.nested.property('error.code', 'outcome_unknown');
    expect(begun).to.have.length(0);
    const told = ledger.messagesOf('t1');
    expect(told[0]).to.deep.equal({
      role: 'tool-calls',
      calls: [{ id: 'c1', name: 'order', arguments: { pizza: 2 } }],
    });
    expect(told[1]).to.include({ role: 'tool-result', failed: true });
    void run('c2', 'weather', { city: 'Bremen' });
    await timing.advance(1);
    expect(begun.map(({ name }) => name)).to.deep.equal(['weather']);
  });

  it('takes the same call under another id for the one that nobody knows of, until the caller has spoken again', async () => {
    const before = runner();
    void before.run('c1', 'order', { pizza: 2 });
    await timing.advance(1);
    const { run } = runner({ ledger: new ToolLedger(recorded.at(-1)) });
    begun = [];
    expect(await run('c7', 'order', { pizza: 2 })).to.have.nested.property('error.code', 'outcome_unknown');
    expect(begun).to.have.length(0);
    void run('c8', 'order', { pizza: 3 });
    void run('c7', 'order', { pizza: 2 }, never, 't2');
    await timing.advance(1);
    expect(begun.map(({ args, run: { turnId } }) => [turnId, args])).to.deep.equal([
      ['t1', { pizza: 3 }],
      ['t2', { pizza: 2 }],
    ]);
  });
});
