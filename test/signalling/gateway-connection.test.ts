import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { startLoneGateway } from '../support/lone-gateway.ts';
import { JOIN, SocketClient } from '../support/socket-client.ts';

describe('a connection', () => {
  let parts: Awaited<ReturnType<typeof startLoneGateway>>;
  let clients: SocketClient[];

  const start = async (options?: Parameters<typeof startLoneGateway>[0]) => {
    parts = await startLoneGateway(options);
  };

  const connect = async (token: string): Promise<SocketClient> => {
    const client = new SocketClient(parts.url, token);
    clients.push(client);
    return client.connected();
  };

  beforeEach(() => {
    clients = [];
  });

  afterEach(async () => {
    for (const client of clients) client.close();
    await parts.close();
  });

  it('leaves nothing behind when it comes to a session that has ended', async () => {
    await start();
    const { id, token } = await parts.open();
    const client = await connect(token);
    await client.join();
    await client.succeed('leave');
    await client.disconnected();
    await eventually(() => parts.host.find(id) === undefined);
    const late = await Promise.all([connect(token), connect(token)]);
    const refusals = await Promise.all(late.map((one) => one.refusal('join', JOIN)));
    expect(refusals).to.deep.equal(['session_ended', 'session_ended']);
    expect(parts.host.find(id)).to.equal(undefined);
  });

  it('gets a new token half of its life before the old one ends, with which it can resume', async () => {
    await start();
    const { token, expiresAt } = await parts.open();
    parts.clock.advance(300_000);
    const client = await connect(token);
    await client.join();
    const renewed = await client.event('token');
    expect(renewed['expiresAt']).to.equal(expiresAt + 300_000);
    parts.clock.advance(400_000);
    client.close();
    const back = await connect(String(renewed['token']));
    await back.join();
  });

  it('gets no new token while its own is fresh, or before it has joined', async () => {
    await start();
    const fresh = await parts.open();
    const stale = await parts.open();
    const joined = await connect(fresh.token);
    await joined.join();
    parts.clock.advance(590_000);
    const waiting = await connect(stale.token);
    await joined.succeed('interrupt');
    expect(await waiting.refusal('interrupt')).to.equal('not_joined');
    expect([...joined.named('token'), ...waiting.named('token')]).to.deep.equal([]);
  });

  it('that does not join is closed after a while', async () => {
    await start({ joinTimeoutMs: 20 });
    const client = await connect((await parts.open()).token);
    expect(await client.event('problem')).to.include({ code: 'not_joined' });
    await client.disconnected();
  });

  it('that misbehaves 20 times in 10 s is told so and closed, and its session waits for it', async () => {
    await start();
    const { id, token } = await parts.open();
    const client = await connect(token);
    await client.join();
    parts.calls.tellFlowing(id, true);
    for (let i = 0; i < 19; i += 1) expect(await client.refusal('nonsense', {})).to.equal('unknown_event');
    expect(client.named('problem')).to.deep.equal([]);
    client.socket.emit('say', { text: 7 });
    expect(await client.event('problem')).to.include({ code: 'too_many_requests' });
    await client.disconnected();
    await eventually(async () => (await parts.sessions.get(id)).state === 'interrupted');
    await (await connect(token)).join();
  });

  it('that errs now and then stays', async () => {
    await start();
    const client = await connect((await parts.open()).token);
    await client.join();
    for (let i = 0; i < 60; i += 1) {
      parts.clock.advance(600);
      expect(await client.refusal('nonsense', {})).to.equal('unknown_event');
    }
    expect(client.socket.connected).to.equal(true);
  });

  it('is not blamed for what the server could not do', async () => {
    await start();
    const client = await connect((await parts.open()).token);
    await client.join();
    for (let i = 0; i < 30; i += 1) {
      parts.calls.failures.set('say', new Error('down'));
      expect(await client.refusal('say', { text: 'hello' })).to.equal('internal');
    }
    expect(client.socket.connected).to.equal(true);
  });

  it('that floods with good requests is slowed down, then closed', async () => {
    await start();
    const client = await connect((await parts.open()).token);
    await client.join();
    const answers = await Promise.allSettled(Array.from({ length: 250 }, () => client.refusal('interrupt')));
    const codes = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : 'unanswered'));
    expect(codes).to.include('too_many_requests');
    await client.disconnected();
    expect(parts.calls.asked.filter((entry) => entry.startsWith('interrupt')).length).to.be.below(200);
  });

  it('is answered for a message over 64 KiB, and cut for one over 256 KiB', async () => {
    await start();
    const client = await connect((await parts.open()).token);
    await client.join();
    expect(await client.refusal('say', { text: 'x'.repeat(70_000) })).to.equal('message_too_large');
    client.socket.emit('say', { text: 'x'.repeat(300_000) });
    await client.disconnected();
  });

  it('may leave out the acknowledgement', async () => {
    await start();
    const { id, token } = await parts.open();
    const client = await connect(token);
    client.socket.emit('join', JOIN);
    client.socket.emit('mute', { muted: true });
    client.socket.emit('mute', { muted: 'wrong' });
    await eventually(() => parts.calls.asked.includes(`mute ${id} true`));
    await client.succeed('interrupt');
  });

  it('ends with the gateway, which may be closed twice', async () => {
    await start();
    const client = await connect((await parts.open()).token);
    await client.join();
    await Promise.all([parts.gateway.close(), parts.gateway.close()]);
    await client.disconnected();
    expect(parts.gateway.connections).to.equal(0);
  });
});
