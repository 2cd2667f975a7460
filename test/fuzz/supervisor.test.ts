import { expect } from 'chai';
import * as fc from 'fast-check';
import { runCampaign } from './campaign.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { mutate } from './mutations.ts';
import { Random } from './random.ts';
import { supervise } from './supervisor.ts';

const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array));
const campaign = (target: Partial<FuzzTarget>, options: { corpus?: Buffer[]; inputs?: number } = {}) =>
  runCampaign({
    target: { inputs: bytes, run: () => 'taken', ...target },
    corpus: [],
    seed: 1,
    inputs: 500,
    untilMs: Infinity,
    track: () => undefined,
    ...options,
  });

describe('a campaign', () => {
  it('finds what throws, with its input, and each fault once', async () => {
    const run = (input: Buffer) => {
      if (input.length > 5) throw new Error('longer than five');
      return 'taken';
    };
    const { findings } = await campaign({ run });
    expect(findings).to.have.lengthOf(1);
    expect(findings[0]).to.include({ kind: 'fault' });
    expect(findings[0]!.input.length).to.be.above(5);
  });

  it('comes by mutations to what its arbitrary does not make', async () => {
    const seen = new Set<string>();
    const run = (input: Buffer) => {
      const text = input.toString('latin1');
      seen.add(text);
      return `${text.length}`;
    };
    await campaign({ inputs: fc.constant(Buffer.from('0123456789')), run });
    expect(seen.size).to.be.above(200);
  });

  it('finds what keeps the thread busy, and is not misled by what was slow once', async function () {
    this.timeout(60_000);
    let runs = 0;
    const busy = (ms: number) => {
      const before = process.threadCpuUsage();
      while (process.threadCpuUsage(before).user < ms * 1000);
    };
    const once = await campaign({ run: () => (busy(runs++ === 3 ? 60 : 0), 'taken') });
    expect(once.findings).to.deep.equal([]);
    const corpus = [Buffer.from('slow')];
    const always = await campaign(
      { run: (input) => (busy(input.equals(corpus[0]!) ? 60 : 0), 'taken') },
      { corpus, inputs: 20 },
    );
    expect(always.findings.map(({ kind, input }) => [kind, String(input)])).to.deep.equal([['slow', 'slow']]);
  });

  it('finds what is kept of every input', async () => {
    const kept: unknown[] = [];
    const { findings } = await campaign({ run: () => (kept.push(Array(3_000).fill(kept.length)), 'taken') });
    expect(findings.map(({ kind }) => kind)).to.deep.equal(['growth']);
  });

  it('makes the same mutations of the same seed', () => {
    const made = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 50 }, () =>
        mutate(Buffer.from('{"a":[1,"b"]}'), Buffer.from('x'), { shape: 'json' }, random),
      );
    };
    expect(made(1)).to.deep.equal(made(1));
    expect(made(1)).not.to.deep.equal(made(2));
  });
});

describe('the supervisor of campaigns', () => {
  it('names the input that ended the process, and the one that takes no end', async () => {
    const only = Buffer.from('exit').toString('base64');
    const { findings } = await supervise({ target: 'self-test', seed: 1, inputs: 1, forMs: 60_000, only });
    expect(findings.map(({ kind, input }) => [kind, String(input)])).to.deep.equal([['exit', 'exit']]);
    expect(findings[0]!.detail).to.include('exit code 7');
    const hanging = Buffer.from('hang').toString('base64');
    const order = { target: 'self-test', seed: 1, inputs: 1, forMs: 60_000, only: hanging, hangMs: 3_000 };
    const { findings: hangs } = await supervise(order);
    expect(hangs.map(({ kind, input }) => [kind, String(input)])).to.deep.equal([['hang', 'hang']]);
  }).timeout(60_000);
});
