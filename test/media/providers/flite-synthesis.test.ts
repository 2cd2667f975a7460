import { readdirSync, readlinkSync } from 'node:fs';
import { expect } from 'chai';
import { compileFlite } from '../../../media/providers/flite-module.ts';
import { FliteSynthesis } from '../../../media/providers/flite-synthesis.ts';

/** Files and folders that this process has open. */
const openFiles = (): number =>
  readdirSync('/proc/self/fd').filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`).startsWith(import.meta.dirname.split('/test/')[0]!);
    } catch {
      // The one that the folder was read with.
      return false;
    }
  }).length;

describe('a clause of flite', () => {
  it('is heard, and leaves no file open', async function () {
    if (process.platform !== 'linux') this.skip();
    const synthesis = new FliteSynthesis(await compileFlite());
    synthesis.prepare();
    const before = openFiles();
    const lengths = ['One.', 'Two.', 'One.'].map((text) => synthesis.speak('slt', text).samples.length);
    synthesis.prepare();
    expect(lengths[0]).to.be.above(4_000);
    expect(lengths[2]).to.equal(lengths[0]);
    expect(openFiles()).to.equal(before);
    expect(before).to.equal(0);
  });
});
