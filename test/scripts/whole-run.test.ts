import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { mochaRuns } from '../../scripts/setup/mocha-runs.mjs';
import { MOST_TRIED_AGAIN, runAll, type RunFiles } from '../../scripts/setup/whole-run.mjs';
import type { RecordEntry } from '../support/run-record.ts';

type Ended = { status?: number; entries: RecordEntry[] };

const passes = (file: string): RecordEntry[] => [
  { event: 'begins', file },
  { event: 'passed', file },
];
const fails = (file: string, reason = 'Error: no'): RecordEntry[] => [
  { event: 'begins', file },
  { event: 'failed', file, title: `what ${file} says`, reason },
];
const over: RecordEntry = { event: 'over' };

/** Runs these stages, of which each pattern is a file, with what `end` says of each process. */
async function outcomeOf(stages: string[][][], end: (patterns: readonly string[], earlier: number) => Ended) {
  const runs: string[] = [];
  let text = '';
  const run: RunFiles = async ({ patterns }, { without, output }) => {
    const call = [...patterns, ...without.map((file) => `-${file}`)].join(' ');
    const earlier = runs.filter((former) => former.startsWith(`${patterns.join(' ')} `)).length;
    runs.push(`${call} ${output}`);
    await Promise.resolve();
    const { entries, status = entries.some(({ event }) => event === 'failed') ? 1 : 0 } = end(patterns, earlier);
    const record = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    return { status, output: output === 'kept' ? `kept of ${patterns.join(' ')}\n` : '', record };
  };
  const status = await runAll(
    stages.map((lanes) => lanes.map((patterns) => ({ patterns }))),
    run,
    (written) => (text += written),
  );
  return { status, runs, text, lastLine: text.trimEnd().split('\n').at(-1) };
}

const allPass = (patterns: readonly string[]): Ended => ({ entries: [...patterns.flatMap(passes), over] });

describe('a whole run of the tests', () => {
  it('goes through stage after stage, each with its lanes side by side, and ends with one line for all', async () => {
    const { status, runs, text, lastLine } = await outcomeOf([[['a', 'b'], ['c']], [['d']]], allPass);
    expect(runs).to.deep.equal(['a b shown', 'c kept', 'd shown']);
    expect(text).to.include('kept of c\n');
    expect(lastLine).to.equal('4 passed, 0 failed');
    expect(status).to.equal(0);
  });

  it('tries files in which something failed once more, each by itself, when all else is over', async () => {
    const { status, runs, text, lastLine } = await outcomeOf([[['a', 'b'], ['c']], [['d']]], (patterns) =>
      patterns.length === 1 ? allPass(patterns) : { entries: [...fails('a', 'Error: at first'), ...passes('b'), over] },
    );
    expect(runs).to.deep.equal(['a b shown', 'c kept', 'd shown', 'a shown']);
    expect(status).to.equal(0);
    expect(text).to.include(
      'Tried again: a; it had one failure at first and passed by itself:\n  what a says\n    Error: at first',
    );
    expect(lastLine).to.equal('4 passed, 0 failed, 1 file tried again');
  });

  it('fails where a file fails again, with what was wrong both times', async () => {
    const { status, text, lastLine } = await outcomeOf([[['a'], ['b']]], (patterns, earlier) =>
      patterns[0] === 'a' ? { entries: [...fails('a', `Error: number ${earlier}`), over] } : allPass(patterns),
    );
    expect(status).to.equal(1);
    expect(text).to.match(/FAILED TWICE: a; at first:\n.*\n *Error: number 0\nand by itself:\n.*\n *Error: number 1/);
    expect(lastLine).to.equal('1 passed, 1 failed, 1 file tried again');
  });

  it('tries nothing again where more failed than bad luck explains, and says so', async () => {
    const files = Array.from({ length: MOST_TRIED_AGAIN + 1 }, (_, index) => `file-${index}`);
    const { status, runs, text, lastLine } = await outcomeOf([[files]], () => ({
      entries: [...files.flatMap((file) => fails(file)), over],
    }));
    expect(runs).to.have.lengthOf(1);
    expect(status).to.equal(1);
    for (const file of files) expect(text).to.include(`FAILED: ${file}\n`);
    expect(text).to.include('6 files failed. More than 5 is no bad luck');
    expect(lastLine).to.equal('0 passed, 6 failed');
  });

  it('goes on without a file in which the process ended, and tries that again', async () => {
    const { status, runs, text, lastLine } = await outcomeOf([[['a', 'b', 'c']]], (patterns, earlier) => {
      if (patterns.length === 1) return allPass(patterns);
      if (earlier > 0) return { entries: [...passes('c'), over] };
      return { status: 139, entries: [...passes('a'), ...passes('b')] };
    });
    expect(runs).to.deep.equal(['a b c shown', 'a b c -a -b shown', 'b shown']);
    expect(text).to.include('The process ended with status 139 while it loaded or ran this file;');
    expect(lastLine).to.equal('3 passed, 0 failed, 1 file tried again');
    expect(status).to.equal(0);
  });

  it('fails where a process fails and no file did', async () => {
    const { status, text } = await outcomeOf([[['a']]], (patterns) => ({ ...allPass(patterns), status: 1 }));
    expect(status).to.equal(1);
    expect(text).to.include('Failed: a: ended with status 1');
  });

  it('stops where somebody stops it', async () => {
    const { status, runs } = await outcomeOf([[['a']], [['b']]], () => ({ status: 130, entries: passes('a') }));
    expect(runs).to.deep.equal(['a shown']);
    expect(status).to.equal(130);
  });
});

describe('a whole run of mocha', function () {
  this.timeout(120_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-whole-run-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const root = join(import.meta.dirname, '../..');

  /** `isFirst()` in its text says whether it has not been asked before, in this process or in an earlier one. */
  const write = (name: string, text = `describe('${name}', () => { it('passes', () => {}); });`) => {
    const marker = JSON.stringify(join(folder, `${name}.marker`));
    const isFirst = `const isFirst = () => !existsSync(${marker}) && (writeFileSync(${marker}, ''), true);`;
    const imports = "import { existsSync, writeFileSync } from 'node:fs';";
    writeFileSync(join(folder, `${name}.test.ts`), [imports, isFirst, text].join('\n'));
  };

  const outcome = async () => {
    let text = '';
    const mocha = [join(root, 'node_modules/mocha/bin/mocha.js')];
    const run = mochaRuns(process.execPath, mocha, { cwd: root, env: process.env });
    // Nothing of it is to be seen among the results of this very run.
    const quietly: RunFiles = async (lane, how) => {
      const ended = await run(lane, { ...how, output: 'kept' });
      return { ...ended, output: '' };
    };
    const status = await runAll(
      [[{ patterns: [`${folder}/*.test.ts`], yields: true }]],
      quietly,
      (written) => (text += written),
    );
    return { status, text, lastLine: text.trimEnd().split('\n').at(-1) };
  };

  const pathOf = (name: string): string => join(folder, `${name}.test.ts`);

  it('tries again what could not be loaded, whose hook failed, and in which the process died', async () => {
    write('a', "it('stands outside', () => {}); it('is left out');");
    const hook = "before(() => { if (isFirst()) throw new Error('busy'); });";
    write('hook', `describe('a hook', () => { ${hook} it('a', () => {}); });`);
    write('killed', "it('kills', () => { if (isFirst()) process.kill(process.pid, 'SIGKILL'); });");
    write('load', "if (isFirst()) throw new Error('not now'); it('is loaded', () => {});");
    write('z');
    const { status, text, lastLine } = await outcome();
    expect(text).to.include(`Tried again: ${pathOf('hook')}; it had one failure`);
    expect(text).to.include(`Tried again: ${pathOf('killed')}; it had one failure`);
    expect(text).to.include(`Tried again: ${pathOf('load')}; it had one failure`);
    expect(text).to.include('a hook "before all" hook for "a"').and.to.include('Error: busy');
    expect(lastLine).to.equal('5 passed, 0 failed, 1 skipped, 3 files tried again');
    expect(status).to.equal(0);
  });

  it('fails for what never can be loaded', async () => {
    write('a');
    write('load', "throw new Error('never');");
    const { status, text, lastLine } = await outcome();
    expect(text).to.include(`FAILED TWICE: ${pathOf('load')}`);
    expect(lastLine).to.equal('1 passed, 1 failed, 1 file tried again');
    expect(status).to.equal(1);
  });
});
