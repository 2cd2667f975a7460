/** The page and the SDK: a fixed table of files, so that no path of a request ever becomes a path on disk. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { Middleware } from 'koa';

export type StaticFile = {
  file: URL;
  contentType: string;
  /** Pages of other sites may load it. */
  shared?: true;
};

const root = new URL('../', import.meta.url);
const at = (path: string): URL => new URL(path, root);
const JAVASCRIPT = 'text/javascript; charset=utf-8';

/** Path of the request → file. */
export const STATIC_FILES: Readonly<Record<string, StaticFile>> = {
  '/': { file: at('web/index.html'), contentType: 'text/html; charset=utf-8' },
  '/style.css': { file: at('web/style.css'), contentType: 'text/css; charset=utf-8' },
  '/main.js': { file: at('web/dist/main.js'), contentType: JAVASCRIPT },
  '/main.js.map': { file: at('web/dist/main.js.map'), contentType: 'application/json' },
  '/sdk/parley.js': { file: at('client-sdk/dist/parley.js'), contentType: JAVASCRIPT, shared: true },
  '/sdk/parley.js.map': { file: at('client-sdk/dist/parley.js.map'), contentType: 'application/json', shared: true },
};

type Loaded = { content: Buffer; etag: string; modifiedMs: number };

/** Serves the table's files. Browsers ask again each time and are told when nothing changed. */
export const serveStatic = (files: Readonly<Record<string, StaticFile>> = STATIC_FILES): Middleware => {
  const cache = new Map<string, Loaded>();
  return async (ctx, next) => {
    const known = Object.hasOwn(files, ctx.path) ? files[ctx.path] : undefined;
    if (known === undefined) return void (await next());
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.set('Allow', 'GET, HEAD');
      ctx.status = 405;
      return;
    }
    const loaded = await load(known, cache.get(ctx.path));
    if (loaded === undefined) return void (await next());
    cache.set(ctx.path, loaded);
    ctx.set('ETag', loaded.etag);
    ctx.set('Cache-Control', 'no-cache');
    if (known.shared) ctx.set('Cross-Origin-Resource-Policy', 'cross-origin');
    ctx.status = 200;
    if (ctx.fresh) ctx.status = 304;
    else ctx.body = loaded.content;
    ctx.type = known.contentType;
  };
};

/** The file as it is now; read again only when it was written since. A missing file is no file. */
const load = async ({ file }: StaticFile, cached: Loaded | undefined): Promise<Loaded | undefined> => {
  const stats = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (stats === undefined || stats.mtimeMs === cached?.modifiedMs) return stats && cached;
  const content = await readFile(file);
  const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
  return { content, etag, modifiedMs: stats.mtimeMs };
};
