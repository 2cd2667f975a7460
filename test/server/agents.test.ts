import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { AgentFilesInvalid, AgentNotFound, loadAgents, OverridesInvalid } from '../../server/agents.ts';
import { readConfig } from '../../server/config.ts';

describe('loadAgents', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'parley-agents-'));
  });

  afterEach(async () => rm(folder, { recursive: true }));

  const write = (name: string, text: string) => writeFile(path.join(folder, name), text);

  const problem = async (): Promise<string> =>
    loadAgents(folder).then(
      () => expect.fail('was accepted'),
      (error: unknown) => {
        expect(error).to.be.instanceOf(AgentFilesInvalid);
        return (error as Error).message;
      },
    );

  it('reads the agents that come with the server', async () => {
    const agents = await loadAgents(readConfig({}).agentsDir);
    expect(agents.names).to.include('parrot');
    expect(agents.defaultName).to.equal('parrot');
    const parrot = agents.resolve('parrot');
    expect(parrot.greeting).to.not.equal('');
    expect(parrot.turnHandling.endpointing.speechEndMs).to.equal(550);
  });

  it('reads every YAML file and nothing else', async () => {
    await write('b.yaml', 'name: bell');
    await write('a.yml', 'name: anna');
    await write('notes.txt', 'not an agent');
    const agents = await loadAgents(folder);
    expect(agents.names).to.deep.equal(['anna', 'bell']);
    expect(agents.defaultName).to.equal('anna');
  });

  it('names file, field and the allowed range of a number', async () => {
    await write('a.yaml', 'name: a\nturnHandling:\n  endpointing:\n    speechStartMs: 3\n    threshold: 2');
    const message = await problem();
    expect(message).to.include('a.yaml: turnHandling.endpointing.speechStartMs must be a number from 32 to 500');
    expect(message).to.include('a.yaml: turnHandling.endpointing.threshold must be a number from 0.05 to 0.95');
  });

  it('names an unknown field and those that there are', async () => {
    await write('a.yaml', 'name: a\nturnHandling:\n  endpointing:\n    speechStart: 3');
    expect(await problem()).to.match(/turnHandling\.endpointing has no field speechStart; it may have .*speechStartMs/);
  });

  it('names what contradicts something else, and what is missing', async () => {
    await write('a.yaml', 'name: a\nturnHandling: { endpointing: { minimumDelayMs: 3000, maximumDelayMs: 300 } }');
    await write('b.yaml', 'greeting: hello');
    const message = await problem();
    expect(message).to.include('a.yaml: turnHandling.endpointing.minimumDelayMs must not be above maximumDelayMs');
    expect(message).to.include('b.yaml: name');
  });

  it('names a file that is no YAML, an empty one, two agents of one name, and a folder without agents', async () => {
    expect(await problem()).to.include('has no agent');
    await write('a.yaml', 'name: [');
    await write('b.yaml', '');
    await write('c.yaml', 'name: c');
    await write('d.yaml', 'name: c');
    const message = await problem();
    expect(message).to.include('a.yaml: is not YAML').and.include('b.yaml: the file');
    expect(message).to.include('d.yaml: name "c" is taken');
    await rm(folder, { recursive: true });
    expect(await problem()).to.include('cannot be read');
    folder = await mkdtemp(path.join(tmpdir(), 'parley-agents-'));
  });

  describe('and the overrides of a session', () => {
    it('lie over the agent field by field, for this session alone', async () => {
      await write('a.yaml', 'name: a\ngreeting: hello\nturnHandling: { endpointing: { speechEndMs: 700 } }');
      const agents = await loadAgents(folder);
      const changed = agents.resolve('a', { turnHandling: { endpointing: { speechStartMs: 64 } } });
      expect(changed.turnHandling.endpointing).to.include({ speechStartMs: 64, speechEndMs: 700 });
      expect(changed.greeting).to.equal('hello');
      expect(agents.resolve('a').turnHandling.endpointing.speechStartMs).to.equal(96);
    });

    it('are refused where they would make the agent invalid, naming the range', async () => {
      await write('a.yaml', 'name: a');
      const agents = await loadAgents(folder);
      const overrides = { turnHandling: { interruption: { duckByDb: 90 } } };
      expect(() => agents.resolve('a', overrides)).to.throw(
        OverridesInvalid,
        'overrides.turnHandling.interruption.duckByDb must be a number from 3 to 40',
      );
      expect(() => agents.resolve('a', { turnHandling: 7 })).to.throw(OverridesInvalid);
    });

    it('cannot reach what all objects share', async () => {
      await write('a.yaml', 'name: a');
      const overrides = JSON.parse(
        '{"__proto__":{"polluted":true},"turnHandling":{"__proto__":{"polluted":true}}}',
      ) as object;
      const agents = await loadAgents(folder);
      expect(() => agents.resolve('a', overrides as Record<string, unknown>)).to.throw(OverridesInvalid);
      expect(({} as { polluted?: boolean }).polluted).to.equal(undefined);
    });

    it('are refused for an agent that there is not, naming those that there are', async () => {
      await write('a.yaml', 'name: a');
      const agents = await loadAgents(folder);
      expect(() => agents.resolve('nobody')).to.throw(AgentNotFound, 'Known are: a.');
    });
  });
});
