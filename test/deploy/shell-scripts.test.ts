import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { runCommand } from '../../scripts/setup/run-command.mjs';
import { findProgram } from '../../scripts/setup/system-needs.mjs';
import { root } from './manifests.ts';

const scripts = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.sh', '.ci/run'], {
  cwd: root,
  encoding: 'utf8',
})
  .trim()
  .split('\n');

describe('shell scripts', () => {
  it('are found', () => {
    expect(scripts).to.include('deploy-k8s.sh');
  });

  for (const script of scripts) {
    it(`${script} passes ShellCheck`, async function () {
      const program = findProgram(['shellcheck']);
      if (program === undefined) {
        process.stderr.write(
          `ShellCheck is not on this machine, so ${script} was NOT checked: apt-get install shellcheck\n`,
        );
        return this.skip();
      }
      await runCommand(program, [join(root, script)], { tailLines: 100 });
    });
  }
});
