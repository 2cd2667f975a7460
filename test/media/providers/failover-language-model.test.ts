import { expect } from 'chai';
import { FailoverLanguageModel } from '../../../media/providers/failover-language-model.ts';
import { VendorLanguageModel } from '../../../media/providers/language-model.ts';
import type { LanguageModelPart, LanguageModelRequest } from '../../../media/providers/provider.ts';
import { type StageEvent, StageExhaustedError } from '../../../media/providers/stage.ts';
import { VendorGate } from '../../../media/providers/vendor-gate.ts';
import { VendorLimit } from '../../../media/providers/vendor-limit.ts';
import { collect } from '../../support/collect.ts';
import { eventually } from '../../support/eventually.ts';
import { type ModelReply, SERVER_KEY, SERVER_MODEL } from '../../support/vendors/dialect.ts';
import { DIALECTS, startLanguageModel } from '../../support/vendors/language-model-server.ts';
import type { Fault, VendorServer } from '../../support/vendors/vendor-server.ts';

const never = new AbortController().signal;
const HELLO: LanguageModelRequest = { messages: [{ role: 'user', text: 'Hello?' }] };
const LONG = { connectMs: 15_000, firstResultMs: 15_000, stallMs: 15_000 };
const TOOL = { name: 'get_weather', description: 'The weather', parameters: { type: 'object' } };

/** Where in the answer of `groq` the second piece of text comes. */
const SECOND_TEXT = 2;

const FAULTS: readonly { fault: Fault; code: string; saidBefore: boolean; timeouts?: object }[] = [
  { fault: { kind: 'status', status: 401 }, code: 'unauthorized', saidBefore: false },
  { fault: { kind: 'status', status: 429, retryAfter: '1' }, code: 'rate_limited', saidBefore: false },
  { fault: { kind: 'status', status: 503 }, code: 'vendor_failed', saidBefore: false },
  { fault: { kind: 'silent' }, code: 'connect_timed_out', saidBefore: false, timeouts: { connectMs: 100 } },
  {
    fault: { kind: 'stalled', after: 0 },
    code: 'first_result_timed_out',
    saidBefore: false,
    timeouts: { firstResultMs: 100 },
  },
  { fault: { kind: 'stalled', after: SECOND_TEXT }, code: 'stalled', saidBefore: true, timeouts: { stallMs: 100 } },
  { fault: { kind: 'cut', after: SECOND_TEXT }, code: 'connection_lost', saidBefore: true },
  { fault: { kind: 'half-closed', after: SECOND_TEXT }, code: 'connection_lost', saidBefore: true },
  { fault: { kind: 'malformed', after: SECOND_TEXT }, code: 'malformed_response', saidBefore: true },
];

describe('language models in a list', () => {
  let first: VendorServer;
  let second: VendorServer;
  let firstSays: (reply: ModelReply) => void;
  let secondSays: (reply: ModelReply) => void;
  let events: StageEvent[];

  beforeEach(async () => {
    events = [];
    ({ server: first, say: firstSays } = await startLanguageModel(DIALECTS.groq));
    ({ server: second, say: secondSays } = await startLanguageModel(DIALECTS.anthropic));
    firstSays({ text: ['Good', ' morning', '.'] });
    secondSays({ text: ['Guten', ' Tag', '.'] });
  });
  afterEach(() => Promise.all([first.close(), second.close()]));

  function list(timeouts: object = {}, gates: { first?: VendorGate; second?: VendorGate } = {}): FailoverLanguageModel {
    const common = { model: SERVER_MODEL, timeouts: { ...LONG, ...timeouts } };
    const [groq, anthropic] = [
      { vendor: 'groq', apiKey: SERVER_KEY, baseUrl: `${first.url}/openai/v1` } as const,
      { vendor: 'anthropic', apiKey: SERVER_KEY, baseUrl: `${second.url}/v1` } as const,
    ];
    return new FailoverLanguageModel({
      candidates: [
        { provider: new VendorLanguageModel({ access: groq, ...common }), ...(gates.first && { gate: gates.first }) },
        {
          provider: new VendorLanguageModel({ access: anthropic, ...common, timeouts: LONG }),
          ...(gates.second && { gate: gates.second }),
        },
      ],
      onEvent: (event) => events.push(event),
    });
  }

  const textOf = (items: readonly LanguageModelPart[]) =>
    items.map((part) => (part.type === 'text' ? part.text : '')).join('');
  const kinds = () => events.map((event) => `${event.type} ${event.provider.split('/')[0]}`);

  it('leave the others alone where the first answers', async () => {
    const { items } = await collect(list().generate(HELLO, never));
    expect(textOf(items)).to.equal('Good morning.');
    expect(items.at(-1)).to.deep.equal({ type: 'finish', reason: 'stop' });
    expect(kinds()).to.deep.equal(['tried groq']);
    expect(second.requests).to.have.length(0);
  });

  for (const { fault, code, saidBefore, timeouts } of FAULTS) {
    it(`go on with the next one where the first fails (${fault.kind}, ${code})`, async () => {
      first.faults.push(fault);
      const { items, error } = await collect(list(timeouts).generate(HELLO, never));
      expect(error).to.equal(undefined);
      expect(textOf(items)).to.equal(`${saidBefore ? 'Good' : ''}Guten Tag.`);
      expect(items.filter(({ type }) => type === 'finish')).to.have.length(1);
      expect(kinds()).to.deep.equal(['tried groq', 'failed groq', 'tried anthropic']);
      expect(events[1]).to.include({ code, delivered: `${saidBefore ? 4 : 0} characters` });
    });
  }

  it('tell the next one what was said, so that it goes on', async () => {
    first.faults.push({ kind: 'cut', after: SECOND_TEXT });
    await collect(list().generate(HELLO, never));
    const { messages } = JSON.parse(second.requests[0]!.body.toString()) as { messages: { role: string }[] };
    expect(messages.map(({ role }) => role)).to.deep.equal(['user', 'assistant', 'user']);
    expect(JSON.stringify(messages[1])).to.include('Good');
    expect(JSON.stringify(messages[2])).to.include('cut off');
  });

  it('call a tool once, though the one that called it then failed', async () => {
    const call = { id: 'c1', name: 'get_weather', arguments: '{}' };
    firstSays({ text: [], calls: [call] });
    secondSays({ text: [], calls: [{ ...call, id: 'c2' }] });
    const ending = DIALECTS.groq.pieces({ text: [], calls: [call] }).length - 2;
    first.faults.push({ kind: 'cut', after: ending });
    const { items, error } = await collect(list().generate({ ...HELLO, tools: [TOOL] }, never));
    expect(error).to.equal(undefined);
    expect(items.filter(({ type }) => type === 'tool-call')).to.deep.equal([
      { type: 'tool-call', id: 'c2', name: 'get_weather', arguments: {} },
    ]);
  });

  it('fail with the reasons of all, where none is left', async () => {
    first.faults.push({ kind: 'status', status: 503 });
    second.faults.push({ kind: 'status', status: 401 });
    const { items, error } = await collect(list().generate(HELLO, never));
    expect(items).to.deep.equal([]);
    expect(error).to.be.instanceOf(StageExhaustedError);
    expect(error).to.include({ code: 'providers_exhausted', retryable: true });
    expect((error as StageExhaustedError).causes.map(({ code }) => code)).to.deep.equal([
      'vendor_failed',
      'unauthorized',
    ]);
  });

  it('are not tried any more after an abort', async () => {
    const abort = new AbortController();
    first.faults.push({ kind: 'stalled', after: SECOND_TEXT });
    const parts = list().generate(HELLO, abort.signal);
    await parts.next();
    const next = parts.next();
    abort.abort();
    expect(await next).to.deep.equal({ done: true, value: undefined });
    await eventually(() => first.abandoned === 1);
    expect(kinds()).to.deep.equal(['tried groq']);
  });

  it('are skipped while their circuit is open', async () => {
    const gate = new VendorGate({ failures: 1, openMs: 60_000 });
    first.faults.push({ kind: 'status', status: 503 });
    await collect(list({}, { first: gate }).generate(HELLO, never));
    events = [];
    const { items } = await collect(list({}, { first: gate }).generate(HELLO, never));
    expect(textOf(items)).to.equal('Guten Tag.');
    expect(kinds()).to.deep.equal(['skipped groq', 'tried anthropic']);
    expect(events[0]).to.include({ reason: 'circuit-open' });
  });

  it('are tried in spite of it where all circuits are open', async () => {
    const gates = {
      first: new VendorGate({ failures: 1, openMs: 60_000 }),
      second: new VendorGate({ failures: 1, openMs: 60_000 }),
    };
    first.faults.push({ kind: 'status', status: 503 });
    second.faults.push({ kind: 'status', status: 503 });
    await collect(list({}, gates).generate(HELLO, never));
    events = [];
    const { items } = await collect(list({}, gates).generate(HELLO, never));
    expect(textOf(items)).to.equal('Good morning.');
    expect(kinds()).to.deep.equal(['skipped groq', 'skipped anthropic', 'tried groq']);
  });

  it('take no place for what may not be wanted that others could want, nor the next vendor in its stead', async () => {
    const full = new VendorGate({ limit: new VendorLimit({ concurrent: 1, sharers: () => 1 }) });
    const speculative = { confirmed: false, whenConfirmed: new Promise<void>(() => undefined) };
    const { error } = await collect(list({}, { first: full }).generate({ ...HELLO, speculative }, never));
    expect(error).to.include({ code: 'not_spared' });
    expect(events).to.deep.equal([]);
    const confirmed = { ...speculative, confirmed: true };
    const { items } = await collect(list({}, { first: full }).generate({ ...HELLO, speculative: confirmed }, never));
    expect(textOf(items)).to.not.equal('');
    expect(kinds()).to.deep.equal(['tried groq']);
  });
});
