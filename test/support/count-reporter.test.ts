import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

const root = join(import.meta.dirname, '../..');

/** Runs mocha over one file with that text, as `npm test` does. */
function outcomeOf(text: string, ...args: string[]): Promise<{ lastLine: string | undefined; status: unknown }> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-reporter-'));
  const file = join(folder, 'one.test.ts');
  writeFileSync(file, text);
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(root, 'node_modules/mocha/bin/mocha.js'), ...args, file],
      { cwd: root, env: { ...process.env, TEST_RECORD: '' } },
      (error, stdout) => {
        rmSync(folder, { recursive: true });
        resolve({ lastLine: stdout.trimEnd().split('\n').at(-1), status: error ? error.code : 0 });
      },
    );
  });
}

describe('the last line of a test run', () => {
  it('counts what passed and failed', async () => {
    expect(await outcomeOf("it('a', () => {}); it('b', () => {});")).to.deep.equal({
      lastLine: '2 passed, 0 failed',
      status: 0,
    });
    expect(await outcomeOf("it('a', () => {}); it('b', () => { throw new Error('no'); });")).to.deep.equal({
      lastLine: '1 passed, 1 failed',
      status: 1,
    });
  });

  it('tells of tests that were skipped, only where there are any', async () => {
    const outcome = await outcomeOf("it('a', () => {}); it('b');");
    expect(outcome).to.deep.equal({ lastLine: '1 passed, 0 failed, 1 skipped', status: 0 });
  });
});
