import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

/** The nice value of the calling thread: field 19 of its `stat` (proc(5)). */
const NICE = `Number(require('node:fs').readFileSync('/proc/thread-self/stat', 'latin1').split(') ')[1].split(' ')[16])`;

describe('a thread that yields to others', () => {
  before(function () {
    if (process.platform !== 'linux') this.skip();
  });

  it('is behind them, and they are where they were', async () => {
    const own = () => Number(readFileSync('/proc/thread-self/stat', 'latin1').split(') ')[1]!.split(' ')[16]);
    const before = own();
    const file = new URL('../../../media/runtime/thread-priority.ts', import.meta.url).href;
    const code = `import(${JSON.stringify(file)}).then(({ yieldToOtherThreads }) => {
      yieldToOtherThreads();
      require('node:worker_threads').parentPort.postMessage(${NICE});
    });`;
    const worker = new Worker(code, { eval: true });
    const nice = await new Promise<number>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    expect(nice).to.equal(Math.max(before, 10));
    expect(own()).to.equal(before);
    await worker.terminate();
  });
});
