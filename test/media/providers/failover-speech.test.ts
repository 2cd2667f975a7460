import { expect } from 'chai';
import { CartesiaSockets } from '../../../media/providers/cartesia-sockets.ts';
import { CartesiaSpeech } from '../../../media/providers/cartesia.ts';
import { FailoverTextToSpeech } from '../../../media/providers/failover-speech.ts';
import { OpenAiSpeech } from '../../../media/providers/openai-speech.ts';
import type { SpokenAudio } from '../../../media/providers/provider.ts';
import type { StageEvent } from '../../../media/providers/stage.ts';
import { VendorGate } from '../../../media/providers/vendor-gate.ts';
import { VendorLimit } from '../../../media/providers/vendor-limit.ts';
import { collect } from '../../support/collect.ts';
import { CARTESIA_KEY, CARTESIA_VOICE, CartesiaServer } from '../../support/vendors/cartesia-server.ts';
import { OPENAI_KEY, startOpenAiAudio } from '../../support/vendors/openai-audio-server.ts';
import type { Fault, VendorServer } from '../../support/vendors/vendor-server.ts';

const never = new AbortController().signal;
const LONG = { connectMs: 15_000, firstResultMs: 15_000, stallMs: 15_000 };
const CLAUSES = ['Good morning to you,', 'how are you today?', 'Well, I hope.'];

describe('voices in a list', () => {
  let cartesia: CartesiaServer;
  let sockets: CartesiaSockets;
  let openai: VendorServer;
  let events: StageEvent[];

  beforeEach(async () => {
    events = [];
    cartesia = await CartesiaServer.start();
    ({ server: openai } = await startOpenAiAudio());
    sockets = new CartesiaSockets({ apiKey: CARTESIA_KEY, baseUrl: cartesia.vendor.url, connectMs: 15_000 });
  });
  afterEach(async () => {
    sockets.close();
    await Promise.all([cartesia.close(), openai.close()]);
  });

  function list({ timeouts = {}, gate }: { timeouts?: object; gate?: VendorGate } = {}): FailoverTextToSpeech {
    const sampleRateHz = 24_000;
    const first = new CartesiaSpeech({ sockets, model: 'sonic-3.5', sampleRateHz, timeouts: { ...LONG, ...timeouts } });
    const door = { vendor: 'openai', apiKey: OPENAI_KEY, baseUrl: `${openai.url}/v1` } as const;
    const second = new OpenAiSpeech({ ...door, model: 'gpt-4o-mini-tts', sampleRateHz, timeouts: LONG });
    return new FailoverTextToSpeech({
      candidates: [
        { provider: first, ...(gate && { gate }) },
        { provider: second, voice: 'marin' },
      ],
      onEvent: (event) => events.push(event),
    });
  }

  /** What the second voice was asked to say. */
  const saidBySecond = () =>
    openai.requests.map(({ body }) => (JSON.parse(body.toString()) as { input: string }).input);
  const textsOf = (items: readonly SpokenAudio[]) => items.map(({ text }) => text).filter(Boolean);

  const FAULTS: readonly { fault: Fault; code: string; timeouts?: object }[] = [
    { fault: { kind: 'cut', after: 6 }, code: 'connection_lost' },
    { fault: { kind: 'half-closed', after: 6 }, code: 'connection_lost' },
    { fault: { kind: 'malformed', after: 6 }, code: 'malformed_response' },
    { fault: { kind: 'stalled', after: 6 }, code: 'stalled', timeouts: { stallMs: 150 } },
  ];
  for (const { fault, code, timeouts } of FAULTS) {
    it(`go on with the words that are unspoken where one dies (${fault.kind})`, async () => {
      cartesia.vendor.server.faults.push(fault);
      const { items, error } = await collect(
        list(timeouts ? { timeouts } : {}).speak(each(CLAUSES), CARTESIA_VOICE, never),
      );
      expect(error).to.equal(undefined);
      // Four words of the first clause and two of the second were out.
      expect(saidBySecond()).to.deep.equal(['you today?', 'Well, I hope.']);
      expect(textsOf(items)).to.deep.equal(CLAUSES);
      expect(events.map(({ type }) => type)).to.deep.equal(['tried', 'failed', 'tried']);
      expect(events[1]).to.include({ provider: 'cartesia/sonic-3.5', code, retryable: true });
    });
  }

  const EARLY: readonly { fault: Fault; code: string; timeouts?: object }[] = [
    { fault: { kind: 'status', status: 429 }, code: 'rate_limited' },
    { fault: { kind: 'silent' }, code: 'first_result_timed_out', timeouts: { firstResultMs: 150 } },
    { fault: { kind: 'cut', after: 0 }, code: 'connection_lost' },
  ];
  for (const { fault, code, timeouts } of EARLY) {
    it(`begin anew with the next one where the first says nothing (${fault.kind})`, async () => {
      cartesia.vendor.server.faults.push(fault);
      const { items, error } = await collect(
        list(timeouts ? { timeouts } : {}).speak(each(CLAUSES), CARTESIA_VOICE, never),
      );
      expect(error).to.equal(undefined);
      expect(saidBySecond().join(' ')).to.equal(CLAUSES.join(' '));
      expect(textsOf(items)).to.deep.equal(CLAUSES);
      expect(events[1]).to.include({ code });
    });
  }

  it('take clauses up that come later, where one dies while it waits for more', async () => {
    const rest = Promise.withResolvers<undefined>();
    async function* slowly() {
      yield CLAUSES[0]!;
      await rest.promise;
      yield* CLAUSES.slice(1);
    }
    cartesia.vendor.server.faults.push({ kind: 'cut', after: 4 });
    const spoken = list().speak(slowly(), CARTESIA_VOICE, never);
    const first = await spoken.next();
    expect(first.value).to.include({ text: CLAUSES[0] });
    setTimeout(() => rest.resolve(undefined), 100);
    const { error } = await collect(spoken);
    expect(error).to.equal(undefined);
    expect(saidBySecond().join(' ')).to.equal('how are you today? Well, I hope.');
  });

  it('pass on the failure of whoever writes the text, and try nobody else', async () => {
    async function* failing() {
      yield 'Hello.';
      await Promise.resolve();
      throw new Error('the model is gone');
    }
    const { error } = await collect(list().speak(failing(), CARTESIA_VOICE, never));
    expect(error).to.have.property('message', 'the model is gone');
    expect(events.map(({ type }) => type)).to.deep.equal(['tried']);
  });

  it('make a call wait no longer than it may where the key is in use', async () => {
    const limit = new VendorLimit({ concurrent: 1, sharers: () => 1, maxWaitMs: 30 });
    const gate = new VendorGate({ limit });
    const held = await limit.acquire(never);
    const { error } = await collect(list({ gate }).speak(each(CLAUSES), CARTESIA_VOICE, never));
    expect(error).to.equal(undefined);
    expect(events[0]).to.include({ type: 'skipped', reason: 'no-capacity' });
    held?.();
    expect(limit.used).to.equal(0);
    expect((await collect(list({ gate }).speak(each(CLAUSES), CARTESIA_VOICE, never))).error).to.equal(undefined);
    expect(limit.used).to.equal(0);
  });

  it('say nothing more after an abort', async () => {
    const abort = new AbortController();
    cartesia.vendor.server.faults.push({ kind: 'stalled', after: 2 });
    const spoken = list().speak(each(CLAUSES), CARTESIA_VOICE, abort.signal);
    await spoken.next();
    abort.abort();
    expect(await spoken.next()).to.deep.equal({ done: true, value: undefined });
    expect(openai.requests).to.have.length(0);
  });
});

async function* each(clauses: readonly string[]) {
  yield* clauses;
}
