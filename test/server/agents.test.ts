import { expect } from 'chai';
import { AgentBackendError } from '../../server/agent-backend-client.ts';
import { AgentBackend } from '../../server/agent-backend.ts';
import { AgentNotFound, OverridesInvalid, VariablesInvalid } from '../../server/agent-errors.ts';
import { CallAgents } from '../../server/call-agents.ts';
import { Agents } from '../../server/agents.ts';
import { createAgentFolder } from '../support/agent-folder.ts';
import type { AgentFolder } from '../support/agent-folder.ts';
import { rejection } from '../support/rejection.ts';
import { sessionRecord } from '../support/session-record.ts';

let folder: AgentFolder;

beforeEach(async () => {
  folder = await createAgentFolder();
});

afterEach(() => folder.remove());

describe('the agent of a session', () => {
  it('is the parrot where none is named, or the first where that was taken away', async () => {
    await folder.write('a.yaml', 'name: anna');
    expect((await folder.agents()).defaultName).to.equal('anna');
    await folder.write('p.yaml', 'name: parrot');
    expect((await folder.agents()).defaultName).to.equal('parrot');
  });

  it('is refused where there is none of the name, naming those that there are', async () => {
    await folder.write('a.yaml', 'name: a');
    const error = await rejection((await folder.agents()).resolve({ agent: 'nobody' }));
    expect(error).to.be.instanceOf(AgentNotFound);
    expect((error as Error).message).to.include('Known are: a.');
  });

  it('has no secrets, no variables and no webhook in what a call is given', async () => {
    await folder.write('a.yaml', 'name: a\nsecrets: { K: hush }\nwebhook: { url: "http://x.example/", secret: K }');
    const { config, webhook } = await (await folder.agents()).resolve({ agent: 'a' });
    expect(config).to.not.have.any.keys('secrets', 'variables', 'webhook');
    expect(webhook).to.deep.equal({ url: 'http://x.example/', secret: 'hush' });
  });
});

describe("a session's overrides", () => {
  it('lie over the agent field by field, for this session alone', async () => {
    await folder.write('a.yaml', 'name: a\ngreeting: hello\nturnHandling: { endpointing: { speechEndMs: 700 } }');
    const agents = await folder.agents();
    const overrides = { turnHandling: { endpointing: { speechStartMs: 64 } } };
    const { config } = await agents.resolve({ agent: 'a', overrides });
    expect(config.turnHandling.endpointing).to.include({ speechStartMs: 64, speechEndMs: 700 });
    expect(config.greeting).to.equal('hello');
    expect((await agents.resolve({ agent: 'a' })).config.turnHandling.endpointing.speechStartMs).to.equal(96);
  });

  it('are refused where they would make the agent invalid, naming the range', async () => {
    await folder.write('a.yaml', 'name: a');
    const agents = await folder.agents();
    const overrides = { turnHandling: { interruption: { duckByDb: 90 } } };
    const error = await rejection(agents.resolve({ agent: 'a', overrides }));
    expect(error).to.be.instanceOf(OverridesInvalid);
    expect((error as Error).message).to.equal(
      'overrides.turnHandling.interruption.duckByDb must be a number from 3 to 40',
    );
    expect(await rejection(agents.resolve({ agent: 'a', overrides: { turnHandling: 7 } }))).to.be.instanceOf(
      OverridesInvalid,
    );
  });

  it('cannot reach what all objects share', async () => {
    await folder.write('a.yaml', 'name: a');
    const overrides = JSON.parse(
      '{"__proto__":{"polluted":true},"turnHandling":{"__proto__":{"polluted":true}}}',
    ) as Record<string, unknown>;
    const agents = await folder.agents();
    expect(await rejection(agents.resolve({ agent: 'a', overrides }))).to.be.instanceOf(OverridesInvalid);
    expect(({} as { polluted?: boolean }).polluted).to.equal(undefined);
  });
});

describe("a session's variables", () => {
  const greet = async (variables?: Record<string, string | number | boolean>) =>
    (await (await folder.agents()).resolve({ agent: 'a', ...(variables && { variables }) })).config.greeting;

  beforeEach(() =>
    folder.write(
      'a.yaml',
      `name: a
greeting: "Hello {{name}}, you have {{ orders }} orders.{{note}}"
variables:
  name: { required: true }
  orders: { type: number, default: 0 }
  note: {}`,
    ),
  );

  it('take their places in the greeting; defaults and nothing stand in', async () => {
    expect(await greet({ name: 'Ada', orders: 3, note: ' Hi.' })).to.equal('Hello Ada, you have 3 orders. Hi.');
    expect(await greet({ name: 'Ada' })).to.equal('Hello Ada, you have 0 orders.');
  });

  it('are put in as they are, whatever they contain', async () => {
    expect(await greet({ name: '{{note}} $& $1', note: 'x' })).to.equal('Hello {{note}} $& $1, you have 0 orders.x');
  });

  it('are refused where they are missing, unknown or of another type, each by name', async () => {
    const error = await rejection(greet({ orders: 'three', colour: 'red' }));
    expect(error).to.be.instanceOf(VariablesInvalid);
    expect((error as Error).message).to.equal(
      'variables.colour is not known; the agent has name, orders, note; variables.name is missing; ' +
        'variables.orders must be a number',
    );
  });
});

describe('the agent of a call', () => {
  let agents: Agents;
  let files: Awaited<ReturnType<AgentFolder['open']>>;

  const change = async (text: string) => {
    await folder.write('a.yaml', text);
    await files.reload();
  };

  beforeEach(async () => {
    await folder.write('a.yaml', 'name: a\ngreeting: one');
    files = await folder.open();
    agents = new Agents({ files, secrets: {}, log: folder.log });
  });

  it('is the one that its session was opened with, though its file has changed since', async () => {
    const { version } = await agents.resolve({ agent: 'a' });
    await change('name: a\ngreeting: two');
    const call = { id: 'x', agent: 'a' };
    expect((await agents.forCall({ ...call, agentVersion: version })).config.greeting).to.equal('one');
    expect((await agents.forCall(call)).config.greeting).to.equal('two');
  });

  it('is the one that there is, with a word in the log, where its version is not known here', async () => {
    const { config } = await agents.forCall({ id: 'x', agent: 'a', agentVersion: '0123456789ab' });
    expect(config.greeting).to.equal('one');
    expect(folder.log.lines.at(-1)).to.deep.include({ level: 'info' });
    expect(folder.log.lines.at(-1)!.details).to.include({ wanted: '0123456789ab', sessionId: 'x' });
  });

  it('is the default one where its own is gone, and never an error', async () => {
    const variables = { colour: 'red' };
    const { config } = await agents.forCall({ id: 'x', agent: 'gone', variables, overrides: { voice: 'nobody' } });
    expect(config.name).to.equal('a');
  });

  it('stays the same for as long as the call runs here', async () => {
    const calls = new CallAgents(agents);
    const session = sessionRecord({ agent: 'a' });
    const begun = await calls.take(session, undefined);
    await change('name: a\ngreeting: two');
    expect(await calls.take(session, undefined)).to.equal(begun);
    expect(calls.stamp(session.id, { version: 1 })).to.deep.equal({ version: 1, agentVersion: begun.version });
    calls.free(session.id);
    expect((await calls.take(session, undefined)).config.greeting).to.equal('two');
    expect(calls.stamp('another', { version: 1 })).to.deep.equal({ version: 1 });
  });

  it('goes on elsewhere in the version that it had, not in the one of its session', async () => {
    const { version } = await agents.resolve({ agent: 'a' });
    await change('name: a\ngreeting: two');
    const session = sessionRecord({ agent: 'a' });
    const restored = { transcript: [], continuation: { agentVersion: version } };
    expect((await new CallAgents(agents).take(session, restored)).config.greeting).to.equal('one');
  });
});

describe('an agent of a backend that is away and never answered', () => {
  const unreachable = () => new AgentBackendError('unreachable', 'no');
  const away = {
    away: true,
    fetch: async () => Promise.reject(unreachable()),
    read: () => {
      throw unreachable();
    },
  };

  it('has the default one stand in, and a session is opened all the same', async () => {
    await folder.write('a.yaml', 'name: a');
    const backend = new AgentBackend({ client: away, ttlMs: 1000, log: folder.log, nowMs: Date.now });
    const agents = await folder.agents({ backend });
    const request = { agent: 'remote', variables: { name: 'Ada' }, overrides: { greeting: 'Hi {{name}}' } };
    expect((await agents.resolve(request)).config).to.include({ name: 'a', greeting: '' });
  });
});
