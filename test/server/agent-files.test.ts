import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { AgentFilesInvalid } from '../../server/agent-errors.ts';
import { AgentFiles } from '../../server/agent-files.ts';
import { readConfig } from '../../server/config.ts';
import { createAgentFolder } from '../support/agent-folder.ts';
import type { AgentFolder } from '../support/agent-folder.ts';
import { eventually } from '../support/eventually.ts';

let folder: AgentFolder;

beforeEach(async () => {
  folder = await createAgentFolder();
});

afterEach(() => folder.remove());

const names = (files: AgentFiles) => files.agents.map(({ definition }) => definition.name);

describe('the files of agents at the start', () => {
  const problem = async (): Promise<string> =>
    folder.open().then(
      () => expect.fail('was accepted'),
      (error: unknown) => {
        expect(error).to.be.instanceOf(AgentFilesInvalid);
        return (error as Error).message;
      },
    );

  it('are every YAML file of the folder and nothing else', async () => {
    await folder.write('b.yaml', 'name: bell');
    await folder.write('a.yml', 'name: anna');
    await folder.write('notes.txt', 'not an agent');
    expect(names(await folder.open())).to.deep.equal(['anna', 'bell']);
  });

  it('come with a parrot', async () => {
    const shipped = { folder: readConfig({}).agents.folder, secrets: {}, log: folder.log, nowMs: Date.now };
    const parrot = (await AgentFiles.open(shipped)).find('parrot')!.definition;
    expect(parrot.greeting).to.not.equal('');
    expect(parrot.turnHandling.endpointing.speechEndMs).to.equal(550);
  });

  it('are named with field and the allowed range of a number', async () => {
    await folder.write('a.yaml', 'name: a\nturnHandling:\n  endpointing:\n    speechStartMs: 3\n    threshold: 2');
    const message = await problem();
    expect(message).to.include('a.yaml: turnHandling.endpointing.speechStartMs must be a number from 32 to 500');
    expect(message).to.include('a.yaml: turnHandling.endpointing.threshold must be a number from 0.05 to 0.95');
  });

  it('are named with what may be chosen, and with what is missing', async () => {
    await folder.write('a.yaml', 'name: a\nvoice: alloy\ntools: [{ type: http, name: x, url: https://a.example/ }]');
    const message = await problem();
    expect(message).to.include('a.yaml: voice must be slt, rms, awb or kal16');
    expect(message).to.include('a.yaml: tools.0.description is missing; it must be a string');
  });

  it('are named with an unknown field and those that there are', async () => {
    await folder.write('a.yaml', 'name: a\nturnHandling:\n  endpointing:\n    speechStart: 3');
    expect(await problem()).to.match(/turnHandling\.endpointing has no field speechStart; it may have .*speechStartMs/);
  });

  it('are named with what contradicts something else, and what is missing', async () => {
    const endpointing = '{ minimumDelayMs: 3000, maximumDelayMs: 300 }';
    await folder.write('a.yaml', `name: a\nturnHandling: { endpointing: ${endpointing} }`);
    await folder.write('b.yaml', 'greeting: hello');
    await folder.write('c.yaml', 'name: c\nvariables: { n: { type: number, default: seven } }');
    const message = await problem();
    expect(message).to.include('a.yaml: turnHandling.endpointing.minimumDelayMs must not be above maximumDelayMs');
    expect(message).to.include('b.yaml: name');
    expect(message).to.include('c.yaml: variables.n.default must be of the type');
  });

  it('are named with a place in a text that stands for no variable', async () => {
    await folder.write('a.yaml', 'name: a\ngreeting: "Hello {{ nmae }}"\nvariables: { name: {} }');
    expect(await problem()).to.include('a.yaml: greeting has {{nmae}}, but the agent declares no variable "nmae"');
  });

  it('are named when they are no YAML, empty, two of one name, or none at all', async () => {
    expect(await problem()).to.include('has no agent');
    await folder.write('a.yaml', 'name: [');
    await folder.write('b.yaml', '');
    await folder.write('c.yaml', 'name: c');
    await folder.write('d.yaml', 'name: c');
    const message = await problem();
    expect(message).to.include('a.yaml: is not YAML').and.include('b.yaml: the file');
    expect(message).to.include('d.yaml: name "c" is taken');
    await folder.remove();
    expect(await problem()).to.include('cannot be read');
  });

  it('are named where they have no end, or are longer than any agent', async () => {
    await symlink('/dev/zero', path.join(folder.folder, 'a.yaml'));
    await folder.write('b.yaml', `name: b\ngreeting: ${'x'.repeat(1_048_576)}`);
    expect(await problem())
      .to.include('a.yaml: is no file')
      .and.include('b.yaml: is larger than 1048576 bytes');
  });

  it('are named with a secret that the server has not', async () => {
    await folder.write('a.yaml', 'name: a\nwebhook: { url: "https://example.com", secret: HOOK }');
    expect(await problem()).to.include('add it to AGENT_SECRETS');
    expect(names(await folder.open({ HOOK: 'a-secret' }))).to.deep.equal(['a']);
  });
});

describe('an agent that is TypeScript', () => {
  it('is what its file exports, by name or as the default', async () => {
    await folder.write('a.ts', "export const agent: { name: string } = { name: ['an', 'na'].join('') };");
    await folder.write('b.ts', "export default { name: 'bell' } satisfies object;");
    expect(names(await folder.open())).to.deep.equal(['anna', 'bell']);
  });

  const broken: [what: string, text: string, reason: string][] = [
    ['a mistake of syntax', "export const agent = { name: 'a' };\nconst x = ;", 'line 2'],
    ['an import of what is not there', "import x from './nope.ts';\nexport const agent = x;", 'nope.ts'],
    ['an error while it runs', "export const agent = {};\nthrow new TypeError('no way');", 'TypeError: no way, line 2'],
    ['no agent', 'const x = 1;\nexport {};', 'must export the agent'],
    ['exports of which nobody knows', "export const agent = { name: 'a' };\nexport const toolz = [];", 'exports toolz'],
  ];
  for (const [what, text, reason] of broken) {
    it(`is refused for ${what}, with file and reason`, async () => {
      await folder.write('a.ts', text);
      const error = await folder.open().catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(AgentFilesInvalid);
      expect((error as Error).message)
        .to.include('a.ts: ')
        .and.include(reason);
    });
  }
});

describe('the files of agents while the server runs', () => {
  let files: AgentFiles | undefined;

  const follow = async (): Promise<AgentFiles> => {
    files = await folder.open();
    await files.follow();
    return files;
  };
  const greeting = () => files?.find('a')?.definition.greeting;

  afterEach(async () => {
    await files?.close();
    files = undefined;
  });

  it('are read again when one changes, comes or goes', async () => {
    await folder.write('a.yaml', 'name: a\ngreeting: one');
    await follow();
    const { version } = files!.find('a')!;
    await folder.write('a.yaml', 'name: a\ngreeting: two');
    await folder.write('b.ts', "export const agent = { name: 'b', greeting: 'one' };");
    await eventually(() => greeting() === 'two' && String(names(files!)) === 'a,b');
    expect(files!.find('a')!.version).to.not.equal(version);
    await folder.write('b.ts', "export const agent = { name: 'b', greeting: 'two' };");
    await eventually(() => files!.find('b')?.definition.greeting === 'two');
    await rm(path.join(folder.folder, 'b.ts'));
    await eventually(() => String(names(files!)) === 'a');
  });

  it('keep the last good agent of one that is broken, say so once, and take it up again', async () => {
    await folder.write('a.yaml', 'name: a\ngreeting: one');
    await follow();
    await folder.write('a.yaml', 'name: a\ngreeting: [');
    await eventually(() => files!.states[0]!.problems.length === 1);
    await files!.reload();
    expect(greeting()).to.equal('one');
    expect(files!.states[0]!.brokenSinceMs).to.be.within(Date.now() - 60_000, Date.now());
    const told = folder.log.lines.filter(({ level }) => level === 'error');
    expect(told).to.have.lengthOf(1);
    expect(told[0]!.details).to.have.property('file', 'a.yaml');
    await folder.write('a.yaml', 'name: a\ngreeting: two');
    await eventually(() => greeting() === 'two');
    expect(files!.states[0]).to.not.have.property('brokenSinceMs');
  });

  it('stay when the folder is gone or emptied', async () => {
    await folder.write('a.yaml', 'name: a');
    await follow();
    await rm(path.join(folder.folder, 'a.yaml'));
    await files!.reload();
    expect(names(files!)).to.deep.equal(['a']);
    await folder.remove();
    await files!.reload();
    expect(names(files!)).to.deep.equal(['a']);
  });

  it('are read again where links are put in place of others, as Kubernetes does', async () => {
    const at = (...parts: string[]) => path.join(folder.folder, ...parts);
    await mkdir(at('..1'));
    await writeFile(at('..1', 'a.yaml'), 'name: a\ngreeting: one');
    await symlink('..1', at('..data'));
    await symlink('..data/a.yaml', at('a.yaml'));
    await follow();
    expect(greeting()).to.equal('one');
    await mkdir(at('..2'));
    await writeFile(at('..2', 'a.yaml'), 'name: a\ngreeting: two');
    await symlink('..2', at('..next'));
    await rename(at('..next'), at('..data'));
    await rm(at('..1'), { recursive: true });
    await eventually(() => greeting() === 'two');
  });
});
