import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Gateway } from '../../signalling/gateway.ts';
import type { GatewayOptions } from '../../signalling/gateway.ts';
import { MemorySessionStore } from '../../signalling/memory-session-store.ts';
import { Places } from '../../signalling/places.ts';
import { Sessions } from '../../signalling/sessions.ts';
import { SessionTokens } from '../../signalling/tokens.ts';
import { FakeCalls } from './fake-calls.ts';
import { memoryLog } from './running-server.ts';
import { VirtualClock } from './virtual-clock.ts';

/** A gateway with no HTTP around it, on virtual time. */
export const startLoneGateway = async (options: Partial<GatewayOptions> = {}) => {
  const clock = new VirtualClock();
  const { nowMs } = clock;
  const calls = new FakeCalls();
  const log = memoryLog();
  const places = new Places({ capacity: 10 });
  const sessions = new Sessions({
    store: new MemorySessionStore({ podId: 'pod-a' }),
    places,
    podId: 'pod-a',
    timeoutMs: 3_600_000,
    nowMs,
  });
  const tokens = new SessionTokens({ secret: 'x'.repeat(32), nowMs });
  const httpServer = createServer();
  const gateway = new Gateway({
    httpServer,
    calls,
    sessions,
    tokens,
    isAllowedOrigin: () => true,
    iceServers: [],
    version: '0.0.0',
    log,
    nowMs,
    ...options,
  });
  calls.observe(gateway);
  await new Promise<void>((resolve) => httpServer.listen(0, '127.0.0.1', resolve));
  const { port } = httpServer.address() as AddressInfo;
  const open = async () => {
    const { id } = await sessions.open({ agent: 'parrot' });
    return { id, ...(await tokens.issue(id)) };
  };
  return { gateway, clock, calls, log, sessions, tokens, open, url: `http://127.0.0.1:${port}` };
};
