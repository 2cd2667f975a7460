import { expect } from 'chai';
import { becomes } from '../support/becomes.ts';
import { Fleet } from '../support/fleet.ts';
import { Network } from '../support/network.ts';
import { ScriptedCaller } from '../support/scripted-caller.ts';

const SENTENCES = Array.from({ length: 7 }, (_, i) => `This is sentence number ${i + 1}.`).join(' ');

/** Real servers, each with an address of its own. */
describe('a server that is to go', function () {
  this.timeout(120_000);
  let fleet: Fleet;
  let callers: ScriptedCaller[] = [];

  before(function () {
    Network.skipWithout(this);
  });

  after(() => ScriptedCaller.cleanUp());

  afterEach(async () => {
    for (const caller of callers) caller.close();
    callers = [];
    await fleet?.close();
  });

  /** A caller whose session the first pod leads. @param url where its signalling goes */
  const callerOn = async (url: string): Promise<{ caller: ScriptedCaller; id: string }> => {
    const others = fleet.pods.slice(1);
    for (const other of others) await fleet.request('POST', '/v2/drain', undefined, other.url);
    const { id, token, pod } = await fleet.open({ overrides: { greeting: '' } }, fleet.pods[0]!.url);
    expect(pod).to.equal(fleet.pods[0]!.id);
    for (const other of others) await fleet.request('DELETE', '/v2/drain', undefined, other.url);
    const caller = new ScriptedCaller({ url, token });
    callers.push(caller);
    return { caller: await caller.whenConnected(), id };
  };

  const speaking = async (caller: ScriptedCaller): Promise<void> => {
    await caller.request('say', { text: SENTENCES });
    await caller.event('agent-state', { state: 'speaking' });
  };

  const agentWords = async (id: string): Promise<string> => {
    const answer = await fleet.request('GET', `/v2/sessions/${id}/transcript`, undefined, fleet.pods[1]!.url);
    const { entries } = answer.body as { entries: { role: string; text: string }[] };
    return entries
      .filter(({ role }) => role === 'agent')
      .map(({ text }) => text)
      .join(' ');
  };

  for (const place of ['the server that goes', 'the other server'] as const) {
    it(`hands a call over in the middle of a reply, with the client connected to ${place}`, async () => {
      fleet = await Fleet.start({ pods: 2, environment: { DRAIN_TIMEOUT_MS: '10000' } });
      const [first, second] = fleet.pods;
      const url = place === 'the other server' ? second!.url : fleet.url;
      const { caller, id } = await callerOn(url);
      await speaking(caller);
      const epoch = caller.epoch;
      first!.process.signal('SIGTERM');
      expect(await first!.process.exited).to.deep.equal({ code: 0, signal: null });
      await caller.until(() => caller.epoch > epoch, 'an event of the next owner');
      await caller.event('agent-state', { state: 'listening' }, performance.now(), 60_000);
      expect(caller.failure ?? caller.ended).to.equal(undefined);
      expect(caller.links.map(({ reason }) => reason)).to.deep.equal(['join', 'drain']);
      expect(caller.heard.fromFormerOwners).to.deep.equal([]);
      // Each sentence once, whoever said it; what was heard of the last one is told a moment after its end.
      await becomes(async () => {
        const numbers = [...(await agentWords(id)).matchAll(/number (\d+)/g)].map(([, number]) => Number(number));
        expect(numbers).to.deep.equal(Array.from({ length: 7 }, (_, i) => i + 1));
      });
    });
  }

  it('takes it back: what has not gone stays, and it takes sessions again', async () => {
    fleet = await Fleet.start({ pods: 1, environment: { DRAIN_TIMEOUT_MS: '60000' } });
    const { caller } = await callerOn(fleet.url);
    const [pod] = fleet.pods;
    expect((await fleet.request('POST', '/v2/drain', undefined, pod!.url)).status).to.equal(202);
    expect((await fleet.request('GET', '/health/ready', undefined, pod!.url)).status).to.equal(503);
    expect((await fleet.request('POST', '/v2/sessions', {}, pod!.url)).status).to.equal(503);
    expect((await fleet.request('DELETE', '/v2/drain', undefined, pod!.url)).status).to.equal(200);
    expect((await fleet.request('GET', '/health/ready', undefined, pod!.url)).status).to.equal(200);
    await caller.request('say', { text: 'Still here.' });
    await caller.event('agent-state', { state: 'speaking' });
  });

  it('waits for calls that nobody can take, then ends them with a reason', async () => {
    fleet = await Fleet.start({ pods: 1, environment: { DRAIN_TIMEOUT_MS: '1500' } });
    const { caller } = await callerOn(fleet.url);
    const [pod] = fleet.pods;
    pod!.process.signal('SIGTERM');
    await caller.until(() => caller.ended !== undefined, 'the end');
    expect(caller.ended).to.equal('shutdown');
    expect(await pod!.process.exited).to.deep.equal({ code: 0, signal: null });
  });

  it('goes at once when it is told a second time', async () => {
    fleet = await Fleet.start({ pods: 1, environment: { DRAIN_TIMEOUT_MS: '600000' } });
    await callerOn(fleet.url);
    const [pod] = fleet.pods;
    pod!.process.signal('SIGTERM');
    await pod!.process.said(/closing/);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    pod!.process.signal('SIGTERM');
    expect((await pod!.process.exited).code).to.equal(130);
  });
});
