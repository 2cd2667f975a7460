import { expect } from 'chai';
import { startTestServer } from '../support/running-server.ts';
import type { TestServer } from '../support/running-server.ts';
import { eventually } from '../support/eventually.ts';
import { SocketClient } from '../support/socket-client.ts';

describe('health', () => {
  let server: TestServer;

  beforeEach(async () => {
    server = await startTestServer({ DRAIN_TIMEOUT_MS: '60000' });
  });

  afterEach(async () => server.close());

  it('has exactly the promised shape', async () => {
    await server.open();
    const { status, body } = await server.request('GET', '/health');
    expect(status).to.equal(200);
    const { timestamp, ...rest } = body as typeof body & { timestamp: string };
    expect(rest).to.deep.equal({
      status: 'healthy',
      version: '0.1.0',
      active_sessions: 1,
      active_connections: 0,
      peer_connections: 0,
      redis: {
        enabled: false,
        healthy: true,
        stats: { connected_clients: 0, used_memory_human: '0B', session_count: 1, is_connected: false },
      },
    });
    expect(new Date(timestamp).toISOString()).to.equal(timestamp);
  });

  it('counts connections and calls', async () => {
    const { id, token } = await server.open();
    using client = await new SocketClient(server.origin, token).connected();
    await client.join();
    const during = (await server.request('GET', '/health')).body;
    expect(during).to.include({ active_sessions: 1, active_connections: 1, peer_connections: 1 });
    await server.request('DELETE', `/v2/sessions/${id}`);
    await client.disconnected();
    await eventually(async () => (await server.connections()) === 0);
    const { body } = await server.request('GET', '/health');
    expect(body).to.include({ active_sessions: 0, active_connections: 0, peer_connections: 0 });
  });

  it('is live and ready while it serves', async () => {
    expect((await server.request('GET', '/health/live')).body.status).to.equal('live');
    expect((await server.request('GET', '/health/ready')).body.status).to.equal('ready');
  });

  it('is live and not ready while it closes, and takes no new sessions', async () => {
    const { token } = await server.open();
    using client = await new SocketClient(server.origin, token).connected();
    await client.join();
    const closed = server.close();
    const ready = await server.request('GET', '/health/ready');
    expect([ready.status, ready.body.error.code]).to.deep.equal([503, 'not_ready']);
    expect((await server.request('GET', '/health/live')).status).to.equal(200);
    expect((await server.request('GET', '/health')).body.status).to.equal('draining');
    expect((await server.request('POST', '/v2/sessions', {})).status).to.equal(503);
    await client.succeed('leave');
    await closed;
  });
});
