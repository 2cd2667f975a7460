import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { CallPage, launchBrowser } from '../support/browser.ts';
import { loudMs } from '../support/sound.ts';

const main = join(import.meta.dirname, '../../server/main.ts');

describe('the end of a server', function () {
  this.timeout(60_000);
  let browser: Browser;
  let server: ChildProcess;

  before(async () => {
    browser = await launchBrowser({ autoplay: 'allowed' });
  });

  after(async () => {
    await browser?.close();
    server?.kill('SIGKILL');
  });

  /** The program itself. @returns where its page is */
  async function start(environment: Record<string, string>): Promise<string> {
    server?.kill('SIGKILL');
    server = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main], {
      env: { ...process.env, PORT: '0', MEDIA_WORKERS: '1', WORKER_POOL_SIZE: '1', ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    // Read to the end: a log that nobody takes would end the server.
    const lines = createInterface({ input: server.stdout! });
    return new Promise((resolve, reject) => {
      lines.on('line', (line) => {
        const url = /ready: open (http:[^"\s]+)/.exec(line)?.[1];
        if (url) resolve(`${url}/`);
      });
      lines.once('close', () => reject(new Error('the server has ended')));
    });
  }

  it('lets a conversation go on for a while, then ends it and says why', async () => {
    const call = await CallPage.open(browser, await start({ DRAIN_TIMEOUT_MS: '5000' }), 'spoken');
    await call.startCall();
    const before = (await call.events()).at(-1)!;
    await call.page.fill('#say', 'count');
    await call.page.press('#say', 'Enter');
    await call.event('agentState', { with: { state: 'speaking' }, after: before });

    const exited = once(server, 'exit');
    server.kill('SIGTERM');
    const signalledMs = await call.now();
    await call.listen(3500);
    expect(loudMs(await call.heard(signalledMs + 500)), 'ms of the agent heard after the signal').to.be.above(1000);
    const ended = await call.event('ended', { after: before });
    expect(ended.data['reason']).to.equal('shutdown');
    expect((await exited)[0], 'exit status').to.equal(0);
  });
});
