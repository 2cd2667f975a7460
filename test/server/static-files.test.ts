import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import Koa from 'koa';
import { serveStatic, STATIC_FILES } from '../../server/static-files.ts';

describe('static files', () => {
  let folder: string;
  let listener: ReturnType<Koa['listen']>;
  let origin: string;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'parley-static-'));
    await writeFile(path.join(folder, 'page.html'), '<p>hello</p>');
    const file = (name: string) => pathToFileURL(path.join(folder, name));
    const app = new Koa();
    app.use(
      serveStatic({
        '/': { file: file('page.html'), contentType: 'text/html; charset=utf-8' },
        '/sdk.js': { file: file('page.html'), contentType: 'text/javascript; charset=utf-8', shared: true },
        '/missing.js': { file: file('missing.js'), contentType: 'text/javascript; charset=utf-8' },
      }),
    );
    listener = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => listener.once('listening', resolve));
    origin = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  });

  after(async () => {
    listener.close();
    listener.closeAllConnections();
    await rm(folder, { recursive: true });
  });

  it('are served with their type, and asked for again each time', async () => {
    const response = await fetch(origin);
    expect(response.status).to.equal(200);
    expect(response.headers.get('content-type')).to.equal('text/html; charset=utf-8');
    expect(response.headers.get('cache-control')).to.equal('no-cache');
    expect(await response.text()).to.equal('<p>hello</p>');
  });

  /** Node's fetch would ask for a fresh copy of its own accord. */
  const asBrowsersDo = { 'Cache-Control': 'max-age=0' };

  it('are not sent again while they are the same, and are when they changed', async () => {
    const etag = (await fetch(origin)).headers.get('etag') ?? '';
    const again = await fetch(origin, { headers: { 'If-None-Match': etag, ...asBrowsersDo } });
    expect([again.status, await again.text()]).to.deep.equal([304, '']);
    await writeFile(path.join(folder, 'page.html'), '<p>new</p>');
    await utimes(path.join(folder, 'page.html'), 1_000, 1_000);
    const changed = await fetch(origin, { headers: { 'If-None-Match': etag, ...asBrowsersDo } });
    expect([changed.status, await changed.text()]).to.deep.equal([200, '<p>new</p>']);
  });

  it('are described without being sent for HEAD, and refuse other methods', async () => {
    const head = await fetch(origin, { method: 'HEAD' });
    expect([head.status, await head.text()]).to.deep.equal([200, '']);
    expect((await fetch(origin, { method: 'POST' })).status).to.equal(405);
  });

  it('may be loaded by other sites only where that is meant', async () => {
    expect((await fetch(`${origin}/sdk.js`)).headers.get('cross-origin-resource-policy')).to.equal('cross-origin');
    expect((await fetch(origin)).headers.get('cross-origin-resource-policy')).to.equal(null);
  });

  it('are those of the table and no others, whatever the path', async () => {
    for (const name of ['/page.html', '/missing.js', '/../page.html', '//', '/toString', '/__proto__']) {
      expect((await fetch(origin + name)).status, name).to.equal(404);
    }
  });

  it('of the server are the page and the SDK', () => {
    expect(Object.keys(STATIC_FILES)).to.include.members(['/', '/style.css', '/main.js', '/sdk/parley.js']);
  });
});
