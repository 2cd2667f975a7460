import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { cacheFolder, downloadWorker, fileInTar, prebuiltUrl, workerPath } from '../../scripts/setup/media-worker.mjs';
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

describe('downloading the worker', () => {
  const served: Record<string, Buffer> = {
    '/good.tgz': gzipSync(tarEntry('mediasoup-worker', '#!/bin/sh\nexit 41\n')),
    '/for-another-system.tgz': gzipSync(tarEntry('mediasoup-worker', '#!/bin/sh\nexit 127\n')),
    '/empty.tgz': gzipSync(tarEntry('readme', '')),
    '/cut-off.tgz': gzipSync(tarEntry('mediasoup-worker', 'x'.repeat(5000))).subarray(0, 60),
  };
  const server = createServer((request, response) => {
    const body = served[request.url ?? ''];
    response.writeHead(body ? 200 : 404).end(body);
  });
  let origin = '';
  let folder = '';
  before((done) => {
    server.listen(0, '127.0.0.1', () => {
      origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      done();
    });
  });
  after((done) => {
    server.close(done);
    server.closeAllConnections();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-worker-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const download = (name: string) => downloadWorker(`${origin}/${name}`, join(folder, 'cache/worker'));

  it('leaves a worker that starts, and nothing else', async () => {
    expect(await download('good.tgz')).to.be.undefined;
    expect(readdirSync(join(folder, 'cache'))).to.deep.equal(['worker']);
  });

  it('leaves nothing of one that does not start here', async () => {
    expect(await download('for-another-system.tgz')).to.equal('the one to download does not start on this machine');
    expect(readdirSync(join(folder, 'cache'))).to.be.empty;
  });

  it('says why there is none', async () => {
    expect(await download('absent.tgz')).to.equal('the download answered 404');
    expect(await download('empty.tgz')).to.equal('it could not be downloaded');
    expect(await download('cut-off.tgz')).to.equal('it could not be downloaded');
    expect(await downloadWorker('http://127.0.0.1:1/', join(folder, 'x'))).to.equal('it could not be downloaded');
    expect(readdirSync(folder)).to.be.empty;
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
