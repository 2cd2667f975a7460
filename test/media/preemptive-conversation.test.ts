import { expect } from 'chai';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readJournal } from '../../media/journal/journal-line.ts';
import { replay } from '../../media/journal/replay.ts';
import { createAgentFolder, type AgentFolder } from '../support/agent-folder.ts';
import { eventually } from '../support/eventually.ts';
import { MediaPodClient } from '../support/media-pod.ts';
import { opusSpeech } from '../support/opus-speech.ts';
import { startToolServer } from '../support/tool-server.ts';
import { startVendors, VendorCaller, type VendorSet } from '../support/vendor-pod.ts';
import type { VendorServer } from '../support/vendors/vendor-server.ts';

/** Long enough for a reply to be begun in every pause, however busy the machine is. */
const PATIENT = { endpointing: { minimumDelayMs: 2_500, speechEndMs: 2_500 } };

const agentFile = (url: string) => `
name: assistant
responder: llm
greeting: Hello!
journal: true
turnHandling: ${JSON.stringify(PATIENT)}
tools:
  - type: http
    name: weather
    description: Tells the weather.
    url: ${url}/weather
`;

/** Real voice workers and packets; vendors and the tool's server are local. */
describe('A reply that is begun before the turn is over', function () {
  this.timeout(90_000);
  let vendors: VendorSet;
  let weather: VendorServer;
  let agents: AgentFolder;
  let journals: string;
  let caller: VendorCaller;

  beforeEach(async () => {
    [vendors, agents, journals] = await Promise.all([
      startVendors(),
      createAgentFolder(),
      mkdtemp(join(tmpdir(), 'parley-journal-')),
    ]);
    weather = await startToolServer({
      'GET /weather': () => {
        vendors.model.say({ text: ['It rains.'] });
        return { sky: 'rain' };
      },
    });
    await agents.write('assistant.yaml', agentFile(weather.url));
    caller = await VendorCaller.join(vendors, { AGENTS_DIR: agents.folder, JOURNAL_DIR: journals });
    await caller.listening();
  });

  afterEach(async () => {
    await caller.close();
    await Promise.all([vendors.close(), weather.close(), agents.remove(), rm(journals, { recursive: true })]);
  });

  after(() => MediaPodClient.cleanUp());

  const asked = () => vendors.model.server.requests.map(({ body }) => body.toString());
  const speculations = () => caller.decisions().filter(({ decision }) => /^(speculate|use|discard)$/.test(decision));
  const steps = () => speculations().map(({ decision }) => decision);

  it('is used for the words that it was begun with, and the model is asked once', async () => {
    vendors.model.say({ text: ['It is three ', 'o’clock. ', 'Anything else?'] });
    await caller.says('What time is it now?');
    await caller.hears('Anything else?');
    expect(steps()).to.deep.equal(['speculate', 'use']);
    expect(asked()).to.have.length(1);
    expect(caller.lines('user')).to.deep.equal(['What time is it now?']);
    expect(caller.lines('agent').at(-1)).to.equal('It is three o’clock. Anything else?');
    const { firstTokenMs = Infinity, endpointMs } = caller.pod.transcript().at(-1)!.timings!;
    expect(firstTokenMs).to.be.below(endpointMs);
    await caller.close();
    const [file] = await readdir(journals);
    const journal = readJournal(await readFile(join(journals, file!), 'utf8'));
    expect(replay(journal)).to.not.have.property('difference');
    const begun = journal.lines.filter((line) => 'part' in line && line.part === 'speculation' && line.gives);
    expect(JSON.stringify(begun)).to.include('"begin"').and.include('"use"');
  });

  it('is thrown away where the caller goes on, with the connection on which it was asked for', async () => {
    const { server } = vendors.model;
    server.faults.push({ kind: 'stalled', after: 1 });
    await opusSpeech('And a cola please.');
    await caller.says('I would like two pizzas.');
    await eventually(() => steps().includes('speculate'), 20_000);
    // The recogniser takes shorter pauses for none.
    await pause(600);
    vendors.model.say({ text: ['With pleasure.'] });
    await caller.says('And a cola please.');
    await caller.hears('With pleasure.');
    // On a busy machine there may be more pauses than two.
    expect(steps().join()).to.match(/^(speculate,discard,)+speculate,use$/);
    expect(speculations()[1]!.reason).to.be.oneOf(['speech', 'words']);
    await eventually(() => server.abandoned >= 1, 20_000);
    expect(caller.lines('user')).to.deep.equal(['I would like two pizzas. And a cola please.']);
    expect(asked().at(-1)).to.include('I would like two pizzas. And a cola please.');
  });

  it('runs no tool before the turn is over', async () => {
    vendors.model.say({ text: [], calls: [{ id: 'call_1', name: 'weather', arguments: '{}' }] });
    await caller.says('How is the weather?');
    await eventually(() => asked().length === 1, 20_000);
    expect(steps()).to.deep.equal(['speculate']);
    await caller.hears('It rains.');
    const order = caller.decisions().map(({ decision }) => decision);
    expect(order.filter((decision) => /speculate|use|tool/.test(decision))).to.deep.equal(['speculate', 'use', 'tool']);
    expect(weather.requests).to.have.length(1);
  });

  it('that fails is begun anew when the turn is over', async () => {
    vendors.model.server.faults.push({ kind: 'status', status: 503 });
    vendors.model.say({ text: ['It is three.'] });
    await caller.says('What time is it now?');
    await caller.hears('It is three.');
    // Words that come late, on a busy machine, have another one begun.
    expect(steps().slice(0, 2)).to.deep.equal(['speculate', 'discard']);
    expect(speculations()[1]!.reason).to.equal('failed');
    expect(caller.lines('agent').at(-1), 'without an apology').to.match(/^(One moment, please\. )?It is three\.$/);
  });

  it('is given up with its client', async () => {
    vendors.model.server.faults.push({ kind: 'stalled', after: 1 });
    await caller.says('What time is it now?');
    await eventually(() => steps().includes('speculate'), 20_000);
    caller.client.close();
    await eventually(() => vendors.model.server.abandoned === 1, 20_000);
  });
});
