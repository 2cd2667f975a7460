import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { fingerprint, fingerprintFiles, readStamp, removeStamp, writeStamp } from '../../scripts/setup/fingerprint.mjs';

describe('fingerprint', () => {
  it('differs when a part differs or a boundary between parts moves', () => {
    expect(fingerprint(['ab', 'c'])).to.equal(fingerprint(['ab', 'c']));
    expect(fingerprint(['ab', 'c'])).to.not.equal(fingerprint(['a', 'bc']));
    expect(fingerprint(['ab', 'c'])).to.not.equal(fingerprint(['ab', 'd']));
  });
});

describe('with files', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'parley-fingerprint-'));
    mkdirSync(join(root, 'src/deep'), { recursive: true });
    writeFileSync(join(root, 'src/a.ts'), 'a');
    writeFileSync(join(root, 'src/deep/b.ts'), 'b');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('fingerprintFiles follows content, names and new files, at any depth', () => {
    const before = fingerprintFiles(root, ['src']);
    expect(fingerprintFiles(root, ['src', 'absent'])).to.equal(before);
    writeFileSync(join(root, 'src/deep/b.ts'), 'changed');
    const changed = fingerprintFiles(root, ['src']);
    writeFileSync(join(root, 'src/c.ts'), '');
    const added = fingerprintFiles(root, ['src']);
    expect(new Set([before, changed, added])).to.have.lengthOf(3);
  });

  it('a stamp is read back whole, and is nothing when it is absent or cut off', () => {
    const stamp = join(root, 'new/stamp.json');
    expect(readStamp(stamp)).to.deep.equal({});
    writeStamp(stamp, { key: 'k' });
    expect(readStamp(stamp)).to.deep.equal({ key: 'k' });
    expect(readdirSync(join(root, 'new'))).to.deep.equal(['stamp.json']);
    writeFileSync(stamp, '{"key":');
    expect(readStamp(stamp)).to.deep.equal({});
    removeStamp(stamp);
    expect(readdirSync(join(root, 'new'))).to.be.empty;
  });
});
