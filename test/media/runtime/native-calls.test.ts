import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { createNativeMarks, endOutsideNative } from '../../../media/runtime/native-calls.ts';

const script = join(import.meta.dirname, '../../support/busy-threads.ts');
const run = promisify(execFile);

describe('a thread that is ended', () => {
  const busy = { decode: 'decodes', encode: 'encodes', judge: 'judges windows', load: 'loads its model' };
  for (const [task, does] of Object.entries(busy)) {
    it(`while it ${does} without a pause takes nobody with it`, async () => {
      const { stdout } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', script, task, '8']);
      expect(stdout.trim()).to.equal('ended 8');
    });
  }

  it('while a call does not return is waited for, and then ended all the same', async () => {
    const marks = createNativeMarks();
    marks[0] = 1;
    let terminated = false;
    const thread = { terminate: async () => ((terminated = true), 1) };
    const ended = endOutsideNative(thread, marks, 50);
    await new Promise(setImmediate);
    expect(terminated).to.equal(false);
    await ended;
    expect(terminated).to.equal(true);
  });
});
