import { join } from 'node:path';
import { expect } from 'chai';
import { checksOf, runCheck } from '../scripts/setup/checks.mjs';
import { CommandFailedError } from '../scripts/setup/run-command.mjs';

const root = join(import.meta.dirname, '..');

describe('the project', () => {
  for (const check of checksOf(root)) {
    it(`passes: ${check.name}`, async () => {
      // Not compared with what was expected: the tool's own words are all there is to read.
      await runCheck(root, process.execPath, check).catch((error: unknown) => {
        expect.fail(error instanceof CommandFailedError ? `\n${error.tail}` : String(error));
      });
    }).timeout(300_000);
  }

  it('has a check of types, of rules and of format', () => {
    const names = checksOf(root).map(({ name }) => name);
    expect(names).to.include.members(['check types', 'lint', 'check format']);
  });
});
