import { join } from 'node:path';
import { expect } from 'chai';
import { cacheFolder, fileInTar, prebuiltUrl, workerPath } from '../../scripts/setup/media-worker.mjs';
import { listedSources, ninjaProgress, wrapDirectory } from '../../scripts/setup/worker-build.mjs';

const root = join(import.meta.dirname, '../..');

describe('the place of the built worker', () => {
  it('is the user’s cache folder, as the system has it', () => {
    expect(cacheFolder({ XDG_CACHE_HOME: '/cache' }, 'linux', '/home/a')).to.equal('/cache/parley');
    expect(cacheFolder({}, 'linux', '/home/a')).to.equal('/home/a/.cache/parley');
    expect(cacheFolder({}, 'darwin', '/Users/a')).to.equal('/Users/a/Library/Caches/parley');
  });

  it('names version, system, architecture and recipe', () => {
    const name = workerPath(root, { XDG_CACHE_HOME: '/cache' });
    const systemAndArch = `${process.platform}-${process.arch}`;
    expect(name).to.match(
      new RegExp(`^/cache/parley/mediasoup-worker-\\d+\\.\\d+\\.\\d+-${systemAndArch}-[0-9a-f]{16}$`),
    );
  });

  it('is what MEDIASOUP_WORKER_BIN says, when it says so', () => {
    expect(workerPath(root, { MEDIASOUP_WORKER_BIN: '/mine' })).to.equal('/mine');
  });
});

describe('the ready-made worker', () => {
  it("is published under the kernel's major on Linux only", () => {
    const folder = 'https://github.com/versatica/mediasoup/releases/download/3.27.1';
    expect(prebuiltUrl('3.27.1', 'linux', 'x64', '6.1.0-9-amd64')).to.equal(
      `${folder}/mediasoup-worker-3.27.1-linux-x64-kernel6.tgz`,
    );
    expect(prebuiltUrl('3.27.1', 'darwin', 'arm64', '23.1.0')).to.equal(
      `${folder}/mediasoup-worker-3.27.1-darwin-arm64.tgz`,
    );
  });

  it('is taken out of its archive, behind other files and at any depth', () => {
    const archive = Buffer.concat([
      tarEntry('readme', 'r'.repeat(700)),
      tarEntry('out/worker', 'binary'),
      Buffer.alloc(1024),
    ]);
    expect(fileInTar(archive, 'worker').toString()).to.equal('binary');
    expect(() => fileInTar(archive, 'absent')).to.throw('holds no absent');
    expect(() => fileInTar(Buffer.from('no archive'), 'worker')).to.throw('holds no worker');
  });
});

/** A file as tar writes it: a header block of 512 bytes, then the content in full blocks. */
function tarEntry(name: string, content: string): Buffer {
  const entry = Buffer.alloc(512 + Math.ceil(content.length / 512) * 512);
  entry.write(name, 0);
  entry.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  entry.write(content, 512);
  return entry;
}

describe('building the worker', () => {
  it('puts a library where its wrap file expects it', () => {
    expect(wrapDirectory('[wrap-file]\ndirectory = libuv-v1.51.0\nsource_url = https://x')).to.equal('libuv-v1.51.0');
    expect(() => wrapDirectory('[wrap-git]\nurl = x')).to.throw('names no directory');
  });

  it("finds the worker's sources in mediasoup's build file", () => {
    const list = "common_sources = [\n  'src/a.cpp',\n  'src/b.cpp',\n]";
    expect(listedSources(`project('x')\n${list}\nother = ['c.cpp']`)).to.deep.equal({
      list,
      sources: ['src/a.cpp', 'src/b.cpp'],
    });
    expect(() => listedSources("sources = ['a.cpp']")).to.throw('does not fit this mediasoup');
  });

  it('tells how far it is from what ninja prints', () => {
    expect(ninjaProgress('[12/261] c++ -o a.o')).to.equal('12/261 compiled');
    expect(ninjaProgress('warning: [12] things')).to.be.undefined;
  });
});
