/** The composition root: builds every part in the order in which they depend on each other, and closes them backwards. */
import { randomBytes } from 'node:crypto';
import type { Server as HttpServer } from 'node:http';
import { hostname } from 'node:os';
import { Gateway } from '../signalling/gateway.ts';
import type { Log } from '../signalling/log.ts';
import { MemorySessionStore } from '../signalling/memory-session-store.ts';
import { Places } from '../signalling/places.ts';
import { Sessions } from '../signalling/sessions.ts';
import { SessionTokens } from '../signalling/tokens.ts';
import { loadAgents } from './agents.ts';
import type { Agents } from './agents.ts';
import { createApp } from './app.ts';
import type { Calls, CreateCalls } from './calls.ts';
import type { Config } from './config.ts';
import { demoRoutes } from './demo-routes.ts';
import { drain } from './drain.ts';
import { healthRoutes } from './health-routes.ts';
import type { Phase } from './health-routes.ts';
import { createHttpServer, listen, localUrl } from './http-server.ts';
import { Metrics } from './metrics.ts';
import { openApiRoutes } from './openapi.ts';
import { OriginPolicy } from './origins.ts';
import { SessionDesk, sessionsRoutes } from './sessions-routes.ts';
import { VERSION } from './version.ts';

export type ServerOptions = {
  config: Config;
  /** Makes the media side. */
  createCalls: CreateCalls;
  log: Log;
  nowMs?: () => number;
};

export type RunningServer = {
  /** Where a person on this machine opens the page. */
  url: string;
  port: number;
  agents: string[];
  /** Drains, then closes everything. Idempotent. */
  close(): Promise<void>;
};

/** Everything that the routes and the gateway are made of. */
type Parts = {
  config: Config;
  log: Log;
  nowMs: () => number;
  agents: Agents;
  calls: Calls;
  sessions: Sessions;
  tokens: SessionTokens;
  metrics: Metrics;
  origins: OriginPolicy;
};

const SWEEP_INTERVAL_MS = 1_000;

/**
 * Starts the server.
 * @throws {AgentFilesInvalid | StartError} for what an operator can mend; whatever was started is closed again.
 */
export const startServer = async ({
  config,
  createCalls,
  log,
  nowMs = Date.now,
}: ServerOptions): Promise<RunningServer> => {
  const started = new AsyncDisposableStack();
  try {
    return await start({ config, createCalls, log, nowMs }, started);
  } catch (error) {
    await started.disposeAsync();
    throw error;
  }
};

const start = async (options: Required<ServerOptions>, started: AsyncDisposableStack): Promise<RunningServer> => {
  let phase: Phase = 'starting';
  const parts = await createParts(options, started);
  const { config, sessions, log, nowMs } = parts;
  const status = { phase: () => phase, connections: () => gateway.connections };
  const httpServer = await createHttpServer(config.http, createHandler(parts, status));
  const gateway = createGateway(parts, httpServer);
  started.defer(() => closeSockets(gateway, httpServer));
  parts.calls.observe(gateway);
  watch(parts, status.connections);
  const sweeper = setInterval(() => {
    sessions.sweep().catch((error: unknown) => log.error({ err: error }, 'sessions could not be swept'));
  }, SWEEP_INTERVAL_MS);
  started.defer(() => clearInterval(sweeper));
  const address = await listen(httpServer, config.http);
  phase = 'serving';
  const close = async () => {
    phase = 'draining';
    await drain({ sessions, attended: () => gateway.joinedSessions, timeoutMs: config.drainTimeoutMs, nowMs });
    await started.disposeAsync();
  };
  let closed: Promise<void> | undefined;
  return {
    url: localUrl(config.http, address),
    port: address.port,
    agents: parts.agents.names,
    close: () => (closed ??= close()),
  };
};

const createParts = async (options: Required<ServerOptions>, started: AsyncDisposableStack): Promise<Parts> => {
  const { config, createCalls, log, nowMs } = options;
  const agents = await loadAgents(config.agentsDir);
  const podId = `${hostname()}-${randomBytes(3).toString('hex')}`;
  const store = new MemorySessionStore({ podId });
  started.defer(() => store.close());
  const calls = await createCalls({ config, agents, log });
  started.defer(() => calls.close());
  const places = new Places({ capacity: config.voice.workers * config.voice.maxSessionsPerWorker });
  const sessions = new Sessions({ store, places, podId, timeoutMs: config.sessionTimeoutMs, nowMs });
  const tokens = new SessionTokens({ secret: config.tokenSecret, nowMs });
  const metrics = new Metrics({ sessionsByState: () => sessions.counts() });
  started.defer(() => metrics.close());
  const origins = new OriginPolicy({
    ...(config.http.publicUrl && { publicUrl: config.http.publicUrl }),
    allowedOrigins: config.http.allowedOrigins,
    loopbackOnly: config.apiKeys.length === 0,
  });
  return { config, log, nowMs, agents, calls, sessions, tokens, metrics, origins };
};

type Status = { phase: () => Phase; connections: () => number };

const createHandler = (
  parts: Parts,
  { phase, connections }: Status,
): ReturnType<ReturnType<typeof createApp>['callback']> => {
  const { config, log, nowMs, agents, calls, sessions, tokens, metrics, origins } = parts;
  const publicUrl = config.http.publicUrl && { publicUrl: config.http.publicUrl };
  const deskOptions = { sessions, tokens, agents, ...publicUrl };
  const routers = [
    healthRoutes({
      version: VERSION,
      phase,
      activeSessions: async () => {
        const { ready, live, interrupted } = await sessions.counts();
        return ready + live + interrupted;
      },
      activeConnections: connections,
      peerConnections: () => calls.peerConnections,
      occupancy: () => sessions.occupied / sessions.capacity,
      nowMs,
    }),
    sessionsRoutes({ ...deskOptions, apiKeys: config.apiKeys }),
    ...(config.demo ? [demoRoutes({ desk: new SessionDesk(deskOptions) })] : []),
    openApiRoutes({ version: VERSION, demo: config.demo, ...publicUrl }),
    metrics.routes(config.apiKeys),
  ];
  const strictTransport = config.http.publicUrl?.startsWith('https:') ?? false;
  return createApp({ routers, origins, strictTransport, measure: metrics.measure(), log, nowMs }).callback();
};

const createGateway = (
  { config, calls, sessions, tokens, origins, log, nowMs }: Parts,
  httpServer: HttpServer,
): Gateway =>
  new Gateway({
    httpServer,
    calls,
    sessions,
    tokens,
    isAllowedOrigin: (origin, { headers }) =>
      origins.allowsHost(headers.host) && origins.allowsOrigin(origin, headers.host),
    iceServers: config.media.iceServers,
    version: VERSION,
    log,
    nowMs,
  });

const watch = ({ metrics, sessions, calls }: Parts, connections: () => number): void => {
  metrics.watch({ name: 'connections', help: 'Open signalling connections.', read: connections });
  metrics.watch({ name: 'places_occupied', help: 'Places taken or reserved.', read: () => sessions.occupied });
  metrics.watch({ name: 'places', help: 'Places in all.', read: () => sessions.capacity });
  metrics.watch({ name: 'peer_connections', help: "Calls with a browser's media.", read: () => calls.peerConnections });
  for (const gauge of calls.gauges) metrics.watch(gauge);
};

/** Socket.IO closes the port, too; connections that are idle or slow are not waited for. */
const closeSockets = async (gateway: Gateway, httpServer: HttpServer): Promise<void> => {
  await gateway.close();
  httpServer.closeAllConnections();
};
