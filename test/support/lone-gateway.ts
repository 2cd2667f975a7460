import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readConfig } from '../../server/config.ts';
import { connectFleet } from '../../server/fleet-link.ts';
import { createSignalling } from '../../server/signalling-parts.ts';
import { Gateway } from '../../signalling/gateway.ts';
import type { GatewayOptions } from '../../signalling/gateway.ts';
import { SessionTokens } from '../../signalling/tokens.ts';
import { FakeCalls } from './fake-calls.ts';
import { memoryLog } from './running-server.ts';
import { VirtualClock } from './virtual-clock.ts';

const nothing = (): void => undefined;

/** A gateway with no HTTP around it, on virtual time. */
export const startLoneGateway = async (options: Partial<GatewayOptions> = {}) => {
  const clock = new VirtualClock();
  const { nowMs } = clock;
  const calls = new FakeCalls();
  const log = memoryLog();
  const config = readConfig({ WORKER_POOL_SIZE: '1', MAX_SESSIONS_PER_WORKER: '10' });
  const told = { onCommand: nothing, onPersisted: nothing };
  const link = await connectFleet({ config, podId: 'pod-a', version: '0.0.0', ...told, log, nowMs });
  const parts = new AsyncDisposableStack();
  parts.defer(() => link.close());
  const counts = { claimed: nothing, moved: nothing };
  const { sessions, host, router, fleet } = await createSignalling({ config, calls, link, counts, log, nowMs }, parts);
  const tokens = new SessionTokens({ secret: 'x'.repeat(32), nowMs });
  const httpServer = createServer();
  const gateway = new Gateway({
    httpServer,
    calls,
    router,
    giveUp: (sessionId) => fleet.end(sessionId, 'left'),
    tokens,
    isAllowedOrigin: () => true,
    iceServers: [],
    version: '0.0.0',
    podId: 'pod-a',
    log,
    nowMs,
    ...options,
  });
  parts.defer(() => gateway.close());
  calls.observe(host);
  await new Promise<void>((resolve) => httpServer.listen(0, '127.0.0.1', resolve));
  const { port } = httpServer.address() as AddressInfo;
  const open = async () => {
    const { id } = await sessions.open({ agent: 'parrot' });
    return { id, ...(await tokens.issue(id)) };
  };
  const close = () => parts.disposeAsync();
  return { gateway, close, clock, calls, log, host, sessions, tokens, open, url: `http://127.0.0.1:${port}` };
};
