/** The composition root: builds every part in the order of their dependencies, and closes them in reverse. */
import { randomBytes } from 'node:crypto';
import type { Server as HttpServer } from 'node:http';
import { hostname } from 'node:os';
import { Gateway } from '../signalling/gateway.ts';
import type { Log } from '../signalling/log.ts';
import { SessionTokens } from '../signalling/tokens.ts';
import { createAgents } from './agent-parts.ts';
import type { Agents } from './agents.ts';
import { agentsRoutes } from './agents-routes.ts';
import { createApp } from './app.ts';
import type { Calls, CreateCalls } from './calls.ts';
import type { Config } from './config.ts';
import { demoRoutes } from './demo-routes.ts';
import { drainRoutes } from './drain-routes.ts';
import { connectFleet } from './fleet-link.ts';
import type { FleetLink } from './fleet-link.ts';
import { healthRoutes } from './health-routes.ts';
import type { Phase } from './health-routes.ts';
import { createHttpServer, listen, localUrl } from './http-server.ts';
import { prepareJournalFolder } from './journal-setting.ts';
import { Metrics } from './metrics.ts';
import { openApiRoutes } from './openapi.ts';
import { OriginPolicy } from './origins.ts';
import { RedisStatus } from './redis-status.ts';
import { SessionDesk, sessionsRoutes } from './sessions-routes.ts';
import { createSignalling } from './signalling-parts.ts';
import type { Signalling } from './signalling-parts.ts';
import { VERSION } from './version.ts';
import { Webhook } from './webhook.ts';

export type ServerOptions = {
  config: Config;
  /** Creates the media side. */
  createCalls: CreateCalls;
  log: Log;
  nowMs?: () => number;
};

export type RunningServer = {
  /** Where somebody on this machine opens the page. */
  url: string;
  port: number;
  agents: string[];
  /** The agent of sessions that name none. */
  defaultAgent: string;
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
  link: FleetLink;
  signalling: Signalling;
  tokens: SessionTokens;
  metrics: Metrics;
  origins: OriginPolicy;
};

/** What changes while the server runs. */
type Status = { phase: () => Phase; connections: () => number };

const SWEEP_INTERVAL_MS = 1_000;

/**
 * Starts the server.
 * @throws {AgentFilesInvalid | StartError} for what an operator can fix; whatever was started is closed again.
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
  const { config, signalling } = parts;
  const { drain } = signalling;
  const status = {
    phase: () => (drain.active ? 'draining' : phase),
    connections: () => gateway.connections,
  } satisfies Status;
  const httpServer = await createHttpServer(config.http, createHandler(parts, status));
  const gateway = createGateway(parts, httpServer);
  started.defer(() => closeSockets(gateway, httpServer));
  parts.calls.observe(signalling.host);
  signalling.sessions.on('ended', (record) => gateway.ended(record));
  watch(parts, status.connections);
  keepHouse(parts, started);
  const address = await listen(httpServer, config.http);
  phase = 'serving';
  const close = async () => {
    await drain.finish();
    await drain.end();
    // What could not be written when it happened, and has not been since.
    await signalling.store.flush();
    await gateway.dismiss();
    await started.disposeAsync();
  };
  let closed: Promise<void> | undefined;
  return {
    url: localUrl(config.http, address),
    port: address.port,
    agents: parts.agents.names,
    defaultAgent: parts.agents.defaultName,
    close: () => (closed ??= close()),
  };
};

const createParts = async (options: Required<ServerOptions>, started: AsyncDisposableStack): Promise<Parts> => {
  const { config, createCalls, log, nowMs } = options;
  const podId = config.podId ?? `${hostname()}-${randomBytes(3).toString('hex')}`;
  if (config.voice.journalFolder !== undefined) await prepareJournalFolder(config.voice.journalFolder);
  const metrics = new Metrics({ sessionsByState: () => signalling.store.counts() });
  started.defer(() => metrics.close());
  const told = { onCommand: metrics.redisCommand, onPersisted: metrics.persisted };
  const link = await connectFleet({ config, podId, version: VERSION, ...told, log, nowMs });
  started.defer(() => link.close());
  const shared = { ...(link.cache && { cache: link.cache }) };
  const agents = await createAgents({ config, podId, ...shared, log, nowMs }, started);
  const calls = await createCalls({ config, agents, log });
  started.defer(() => calls.close());
  const { claimed, moved } = metrics;
  const counts = { claimed, moved };
  const signalling: Signalling = await createSignalling({ config, calls, link, counts, log, nowMs }, started);
  const webhook = new Webhook({
    targetOf: async (record) => (await agents.webhookOf(record)) ?? config.webhook,
    transcript: (id) => signalling.store.transcript(id),
    ...(link.outbox && { outbox: { kept: link.outbox, recordOf: (id) => signalling.store.get(id) } }),
    log,
    nowMs,
  });
  started.defer(() => webhook.close());
  signalling.sessions.on('ended', (record) => webhook.note(record));
  metrics.watch({ name: 'webhooks_pending', help: 'Ended sessions not told of yet.', read: () => webhook.pending });
  const tokens = new SessionTokens({ secret: config.tokenSecret, nowMs });
  const origins = new OriginPolicy({
    ...(config.http.publicUrl && { publicUrl: config.http.publicUrl }),
    allowedOrigins: config.http.allowedOrigins,
    loopbackOnly: config.apiKeys.length === 0,
  });
  return { config, log, nowMs, agents, calls, link, signalling, tokens, metrics, origins };
};

const createHandler = (parts: Parts, status: Status): ReturnType<ReturnType<typeof createApp>['callback']> => {
  const { config, log, nowMs, agents, signalling, tokens, metrics, origins } = parts;
  const { fleet, drain, host } = signalling;
  const publicUrl = config.http.publicUrl && { publicUrl: config.http.publicUrl };
  const deskOptions = { fleet, tokens, agents, ...publicUrl };
  const routers = [
    healthRoutes(healthOptions(parts, status)),
    sessionsRoutes({ ...deskOptions, apiKeys: config.apiKeys }),
    agentsRoutes({ agents, apiKeys: config.apiKeys }),
    drainRoutes({
      apiKeys: config.apiKeys,
      start: () => void drain.start(),
      cancel: () => drain.cancel(),
      remaining: () => host.joinedSessions.length,
    }),
    ...(config.demo ? [demoRoutes({ desk: new SessionDesk(deskOptions), agents })] : []),
    openApiRoutes({ version: VERSION, demo: config.demo, ...publicUrl }),
    metrics.routes(config.apiKeys),
  ];
  const strictTransport = config.http.publicUrl?.startsWith('https:') ?? false;
  return createApp({ routers, origins, strictTransport, measure: metrics.measure(), log, nowMs }).callback();
};

const healthOptions = (
  { signalling, calls, link, nowMs }: Parts,
  { phase, connections }: Status,
): Parameters<typeof healthRoutes>[0] => ({
  version: VERSION,
  phase,
  activeSessions: async () => {
    const { ready, live, interrupted } = await signalling.store.counts();
    return ready + live + interrupted;
  },
  activeConnections: connections,
  peerConnections: () => calls.peerConnections,
  unsaved: () => signalling.store.unsaved,
  occupancy: () => signalling.sessions.occupied / signalling.sessions.capacity,
  ...(link.redis && link.shared && { redis: new RedisStatus({ link: link.redis, sessions: link.shared, nowMs }) }),
  nowMs,
});

const createGateway = (
  { config, calls, link, signalling, tokens, origins, log, nowMs }: Parts,
  httpServer: HttpServer,
) =>
  new Gateway({
    httpServer,
    calls,
    router: signalling.router,
    giveUp: (sessionId) => signalling.fleet.end(sessionId, 'left'),
    tokens,
    isAllowedOrigin: (origin, { headers }) =>
      origins.allowsHost(headers.host) && origins.allowsOrigin(origin, headers.host),
    iceServers: config.media.iceServers,
    version: VERSION,
    podId: link.podId,
    transports: config.signallingTransports,
    ...(link.adapter && { adapter: link.adapter.factory }),
    log,
    nowMs,
  });

/** Ends what is over, writes what could not be written before, and sees who shares the vendors' keys. */
const keepHouse = ({ signalling, calls, link, log }: Parts, started: AsyncDisposableStack): void => {
  const { fleet, store, pods } = signalling;
  let sweeping: Promise<void> | undefined;
  const sweeper = setInterval(() => {
    calls.setLivePods(pods.list().length);
    // One that takes long is not joined by others, which would make it take longer.
    sweeping ??= fleet
      .sweep()
      .catch((error: unknown) => log.error({ err: error }, 'sessions could not be swept'))
      .finally(() => (sweeping = undefined));
    if (link.redis?.isUp) void store.flush();
  }, SWEEP_INTERVAL_MS);
  started.defer(() => clearInterval(sweeper));
  link.redis?.on('up', () => {
    store.markUnsaved();
    void store.flush();
  });
};

const watch = ({ metrics, signalling, calls, link }: Parts, connections: () => number): void => {
  const { sessions, waitingRoom, store, pods } = signalling;
  metrics.watch({ name: 'connections', help: 'Open signalling connections.', read: connections });
  metrics.watch({ name: 'places_occupied', help: 'Places taken or reserved.', read: () => sessions.occupied });
  metrics.watch({ name: 'places', help: 'Places in all.', read: () => sessions.capacity });
  metrics.watch({ name: 'queue_length', help: 'Sessions of all pods that wait.', read: () => waitingRoom.length });
  metrics.watch({ name: 'sessions_unsaved', help: 'Sessions that Redis lacks.', read: () => store.unsaved });
  metrics.watch({ name: 'pods', help: 'Pods that are alive, as this one sees it.', read: () => pods.list().length });
  metrics.watch({ name: 'peer_connections', help: "Calls with a browser's media.", read: () => calls.peerConnections });
  const loopDelay = () => link.loopDelay.p99Ms / 1000;
  metrics.watch({ name: 'event_loop_delay_p99_seconds', help: 'Of the main thread.', read: loopDelay });
  for (const gauge of calls.gauges) metrics.watch(gauge);
  if (link.redis) metrics.watchRedis(link.redis);
};

/** Socket.IO closes the port, too; connections that are idle or slow are not waited for. */
const closeSockets = async (gateway: Gateway, httpServer: HttpServer): Promise<void> => {
  await gateway.close();
  httpServer.closeAllConnections();
};
