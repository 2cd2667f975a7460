import { expect } from 'chai';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CodeTools } from '../../../media/tools/code-tools.ts';
import { eventually } from '../../support/eventually.ts';
import { rejection } from '../../support/rejection.ts';

const AGENT = `
let count: number = 0;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
export const agent = {
  name: 'counting',
  tools: [
    { name: 'count', run: async ({ by }: { by: number }, { secrets, variables, callKey }) =>
      ({ count: (count += by), key: secrets.KEY, shop: variables.shop, callKey }) },
    { name: 'nothing', run() { return undefined; } },
    { name: 'circle', run() { const all: unknown[] = []; all.push(all); return all; } },
    { name: 'long', run: () => 'x'.repeat(70_000) },
    { name: 'throws', run() { throw new TypeError('password=hunter2'); } },
    { name: 'waits', run: async (_args: object, { signal }: { signal: AbortSignal }) => {
      while (!signal.aborted) await sleep(5);
      throw signal.reason;
    } },
    { name: 'spins', run({ ms }: { ms: number }) {
      count += 100;
      for (const untilMs = Date.now() + ms; Date.now() < untilMs; ) Math.random();
      return 'done';
    } },
    { name: 'exits', run() { process.exit(3); } },
    { name: 'plain' },
  ],
};
`;

describe('tools that are functions of an agent file', function () {
  this.timeout(60_000);
  let folder: string;
  let module: string;
  let faults: string[];
  let code: CodeTools;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-tools-'));
    await writeFile(join(folder, 'counting.ts'), AGENT);
    module = pathToFileURL(join(folder, 'counting.ts')).href;
  });
  after(() => rm(folder, { recursive: true }));

  beforeEach(() => {
    faults = [];
    code = new CodeTools({ onFault: ({ message }) => void faults.push(message), graceMs: 300 });
  });
  afterEach(() => code.close());

  const context = { variables: { shop: 'north' }, secrets: { KEY: 'open-sesame' }, callKey: 's1:t1:c1' };
  const run = (name: string, args: Record<string, unknown> = {}, signal = new AbortController().signal) =>
    code.run({ module, name }, args, context, signal);

  it('are given their arguments, variables, secrets and the name of the call, and keep what they hold', async () => {
    code.prepare([module]);
    const about = { key: '[secret KEY]', shop: 'north', callKey: 's1:t1:c1' };
    expect(await run('count', { by: 2 })).to.deep.equal({ count: 2, ...about });
    expect(await run('count', { by: 3 })).to.include({ count: 5 });
    expect(await run('nothing')).to.equal(null);
    expect(faults).to.deep.equal([]);
  });

  it('fail where there is no function, or what it returns is no JSON, or too much of it', async () => {
    const codes = { plain: 'failed', missing: 'failed', circle: 'unreadable', long: 'too_large' };
    for (const [name, expected] of Object.entries(codes)) {
      expect(await rejection(run(name)), name).to.have.property('code', expected);
    }
  });

  it('fail with what they throw, of which the kind and the line are told, and nothing else', async () => {
    const error = await rejection(run('throws'));
    expect(error).to.deep.include({ code: 'failed', message: 'The tool failed.' });
    await eventually(() => faults.length > 0);
    expect(faults[0]).to.match(/^tool throws of counting\.ts threw TypeError, line \d+$/);
  });

  it('hear that nobody waits any more, and go on in the same thread', async () => {
    await run('count', { by: 1 });
    const over = new AbortController();
    const waiting = rejection(run('waits', {}, over.signal));
    over.abort(new Error('late'));
    expect(await waiting).to.have.property('message', 'late');
    expect(await run('count', { by: 1 })).to.include({ count: 2 });
    expect(faults).to.deep.equal([]);
  });

  it('leave the thread that asks for them free while they compute', async () => {
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 10);
    expect(await run('spins', { ms: 500 })).to.equal('done');
    clearInterval(ticking);
    expect(ticks).to.be.greaterThan(5);
  });

  it('are ended where one computes beyond its time; what had not begun is begun anew, once', async () => {
    await run('count', { by: 1 });
    const over = new AbortController();
    const spinning = rejection(run('spins', { ms: 600_000 }, over.signal));
    const behind = run('count', { by: 7 });
    over.abort(new Error('late'));
    expect(await spinning).to.have.property('message', 'late');
    // In a new thread: what the former one held is gone.
    expect(await behind).to.include({ count: 7 });
    expect(faults.join()).to.include('beyond its time');
  });

  it('may have been done or not where their thread dies, and are not begun again', async () => {
    const waiting = rejection(run('waits'));
    const exits = rejection(run('exits'));
    for (const error of await Promise.all([waiting, exits])) {
      expect(error).to.have.property('code', 'outcome_unknown');
    }
    expect(await run('count', { by: 4 })).to.include({ count: 4 });
  });

  it('end with the server', async () => {
    const waiting = rejection(run('waits'));
    await code.close();
    expect(await waiting).to.have.property('name', 'ToolError');
    expect(await rejection(run('count', { by: 1 }))).to.have.property('code', 'failed');
  });
});
