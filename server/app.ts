/** The HTTP application: what surrounds every route. */
import { bodyParser } from '@koa/bodyparser';
import cors from '@koa/cors';
import type { Router } from '@koa/router';
import Koa from 'koa';
import type { Context, Middleware } from 'koa';
import helmet from 'koa-helmet';
import type { Log } from '../signalling/log.ts';
import { bodyFailure, emptyFailure, HttpFailure, toHttpFailure } from './http-failure.ts';
import type { OriginPolicy } from './origins.ts';
import { serveStatic } from './static-files.ts';

export type AppOptions = {
  routers: readonly Router[];
  origins: OriginPolicy;
  /** Whether browsers should keep to HTTPS: only where it is certain that HTTPS stays. */
  strictTransport: boolean;
  /** Measures every request. */
  measure: Middleware;
  log: Log;
  nowMs: () => number;
};

/** Far more than an honest session needs; less than would hurt. */
const BODY_LIMIT = '64kb';

/** A `Host` that may be written into a header. */
const PLAIN_HOST = /^[\w.-]+(:\d{1,5})?$|^\[[\da-fA-F:]+\](:\d{1,5})?$/;

export const createApp = ({ routers, origins, strictTransport, measure, log, nowMs }: AppOptions): Koa => {
  const app = new Koa();
  app.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever is at the other end could fill the log with these.
    if (isOfConnection(error)) log.debug({ code: error.code }, 'a connection failed before its answer was sent');
    else log.error({ err: error }, 'an answer could not be sent');
  });
  app.use(logRequests(log, nowMs));
  app.use(measure);
  app.use(answerFailures(log));
  app.use(securityHeaders(strictTransport));
  app.use(checkOrigin(origins));
  app.use(allowOrigins(origins));
  app.use(requireJson);
  app.use(
    bodyParser({
      enableTypes: ['json'],
      jsonLimit: BODY_LIMIT,
      onError: (error) => {
        throw bodyFailure(error);
      },
    }),
  );
  for (const router of routers) app.use(router.routes()).use(router.allowedMethods());
  app.use(serveStatic());
  return app;
};

const OF_CONNECTIONS: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_HTTP_REQUEST_TIMEOUT',
]);

/** The client went away, sent a body that never ended, or what is no HTTP behind what was. */
const isOfConnection = ({ code = '' }: NodeJS.ErrnoException): boolean =>
  code.startsWith('HPE_') || OF_CONNECTIONS.has(code);

/** Path and status only: a query or a header may carry what nobody should read. */
const logRequests =
  (log: Log, nowMs: () => number): Middleware =>
  async (ctx, next) => {
    const startedMs = nowMs();
    await next();
    const details = { method: ctx.method, path: ctx.path, status: ctx.status, ms: nowMs() - startedMs };
    if (ctx.path.startsWith('/health')) log.debug(details, 'request');
    else log.info(details, 'request');
  };

/** Every failure becomes JSON, also those that no route answered. */
const answerFailures =
  (log: Log): Middleware =>
  async (ctx, next) => {
    try {
      await next();
      if (ctx.status >= 400 && !ctx.body) sendFailure(ctx, emptyFailure(ctx.status));
    } catch (error) {
      const failure = toHttpFailure(error);
      if (failure.status >= 500 && failure.code === 'internal') {
        log.error({ err: error, method: ctx.method, path: ctx.path }, 'a request failed inside the server');
      }
      sendFailure(ctx, failure);
    }
  };

const sendFailure = (ctx: Context, { status, code, message, headers }: HttpFailure): void => {
  ctx.status = status;
  ctx.set(headers);
  ctx.body = { error: { code, message } };
};

/** Without HTTPS of our own, `upgrade-insecure-requests` and HSTS would lock a page on the local network out. */
const securityHeaders = (strictTransport: boolean): Middleware => {
  const protect = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
        objectSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        mediaSrc: ["'self'", 'blob:'],
        connectSrc: ["'self'", ({ headers }) => webSocketSources(headers.host)],
      },
    },
    strictTransportSecurity: strictTransport,
  });
  return async (ctx, next) => {
    // Answers carry tokens and transcripts; what may be kept (the page's files) says so itself.
    ctx.set('Cache-Control', 'no-store');
    ctx.set('Permissions-Policy', 'microphone=(self), camera=(), geolocation=()');
    await protect(ctx, next);
  };
};

/** Older browsers do not count WebSockets of the same origin to 'self'. */
const webSocketSources = (host: string | undefined): string =>
  host !== undefined && PLAIN_HOST.test(host) ? `ws://${host} wss://${host}` : "'self'";

/** Refuses foreign pages what they could do without asking first (a POST needs no preflight), and foreign host names. */
const checkOrigin =
  (origins: OriginPolicy): Middleware =>
  async (ctx, next) => {
    const { host, origin } = ctx.headers;
    if (!origins.allowsHost(host)) {
      throw new HttpFailure(421, 'host_not_allowed', 'Without API keys this server answers to this machine alone.');
    }
    const harmless = ctx.method === 'GET' || ctx.method === 'HEAD' || ctx.method === 'OPTIONS';
    if (!harmless && origin !== undefined && !origins.allowsOrigin(origin, host)) {
      throw new HttpFailure(403, 'origin_not_allowed', 'Pages of this origin may not use this server.');
    }
    await next();
  };

const allowOrigins = (origins: OriginPolicy): Middleware =>
  cors({
    origin: (ctx) => {
      const origin = ctx.get('Origin');
      return origins.allowsOrigin(origin, ctx.headers.host) ? origin : '';
    },
    allowMethods: ['GET', 'POST', 'PATCH', 'DELETE'],
    allowHeaders: ['Authorization', 'Content-Type'],
    exposeHeaders: ['Retry-After'],
    maxAge: 600,
  });

const requireJson: Middleware = async (ctx, next) => {
  // `is` gives null where there is no body at all, but takes an announced length of 0 for one.
  if (ctx.request.length !== 0 && ctx.request.is('application/json') === false) {
    throw new HttpFailure(415, 'unsupported_media_type', 'The body must be JSON.');
  }
  await next();
};
