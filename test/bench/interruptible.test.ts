import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';

const MODULE = new URL('../../bench/interruptible.ts', import.meta.url).href;

/** A measurement that has opened something; @returns what it wrote and how it ended */
async function run(body: string, signal?: NodeJS.Signals): Promise<{ said: string; code: number | null }> {
  const script = `import { interruptible } from '${MODULE}';
    await interruptible(async ({ open, unlessInterrupted }) => {
      open.defer(() => console.log('closed'));
      console.log('ready');
      ${body}
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (signal && text.includes('ready')) child.kill(signal);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { said: said.trim().split('\n').join(' '), code };
}

const WAIT = 'await unlessInterrupted(new Promise((resolve) => setTimeout(resolve, 600_000)));';

describe('a measurement', () => {
  it('closes what it has opened when it is interrupted, and its status tells by what', async () => {
    const [interrupted, terminated] = await Promise.all([run(WAIT, 'SIGINT'), run(WAIT, 'SIGTERM')]);
    expect(interrupted).to.deep.equal({ said: 'ready closed', code: 130 });
    expect(terminated).to.deep.equal({ said: 'ready closed', code: 143 });
  });

  it('closes what it has opened when it is done, and when it fails', async () => {
    expect(await run("console.log('measured');")).to.deep.equal({ said: 'ready measured closed', code: 0 });
    expect(await run("throw new Error('no');")).to.deep.equal({ said: 'ready closed', code: 1 });
  });
});
