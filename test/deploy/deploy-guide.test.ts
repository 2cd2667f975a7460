import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startTestServer } from '../support/running-server.ts';
import { isSetting, readText, root } from './manifests.ts';

const guide = readText('DEPLOY.md');

describe('DEPLOY.md', () => {
  it('links to files and headings that are there', () => {
    const headings = Array.from(
      guide.matchAll(/^#+ (.+)$/gm),
      ([, text = '']) => `#${text.toLowerCase().replaceAll(' ', '-')}`,
    );
    for (const [, target = ''] of guide.matchAll(/\]\(([^)]+)\)/g)) {
      if (target.startsWith('#')) expect(headings).to.include(target);
      else if (!target.startsWith('https:')) expect(existsSync(join(root, target)), target).to.be.true;
    }
  });

  it('names commands that deploy-k8s.sh takes', () => {
    const commands = Array.from(guide.matchAll(/^\.\/deploy-k8s\.sh +([^\n]+)$/gm), ([, line = '']) => line);
    expect(commands.length).to.be.greaterThan(4);
    // A dry run only looks whether there is a kubectl.
    const programs = mkdtempSync(join(tmpdir(), 'parley-kubectl-'));
    symlinkSync('/bin/false', join(programs, 'kubectl'));
    const env = { PATH: `${programs}:/usr/bin:/bin` };
    for (const command of commands) {
      const words = command.replace(/[[\]]/g, '').replace('POD', 'parley-1').split(/\s+/);
      execFileSync(join(root, 'deploy-k8s.sh'), ['--dry-run', '--context', 'none', ...words], { env, stdio: 'pipe' });
    }
    rmSync(programs, { recursive: true });
  });

  it('names settings that there are', () => {
    const named = Array.from(guide.matchAll(/`([A-Z]+(?:_[A-Z]+)+)[=`]/g), ([, name = '']) => name);
    expect(named).to.include('MEDIA_PORT');
    expect(named.filter((name) => !isSetting(name))).to.be.empty;
  });

  it('names numbers that /metrics has', async () => {
    const server = await startTestServer();
    const { text } = await server.request('GET', '/metrics');
    await server.close();
    // Those of the media side need media.
    const ofMedia = readText('server/calls.ts');
    for (const [name] of guide.matchAll(/\bparley_[a-z_]+\b/g)) {
      const known = text.includes(`# TYPE ${name} `) || ofMedia.includes(`name: '${name.replace('parley_', '')}'`);
      expect(known, name).to.be.true;
    }
  });
});
