import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import type { Socket } from 'socket.io-client';
import { createGatewayAdapter } from '../../signalling/gateway-adapter.ts';
import { RedisLink } from '../../signalling/redis-link.ts';
import { parseRedisTarget } from '../../signalling/redis-target.ts';
import { eventually } from '../support/eventually.ts';
import { ClusterGroup } from '../support/redis-groups.ts';
import { RedisServer } from '../support/redis-server.ts';
import { memoryLog } from '../support/running-server.ts';

type TestPod = { server: Server; client: Socket; heard: unknown[]; link: RedisLink };

describe('the adapter of the gateway', () => {
  let redis: RedisServer;
  let opened: AsyncDisposableStack;

  beforeEach(async () => {
    opened = new AsyncDisposableStack();
    redis = opened.use(await RedisServer.start());
  });

  afterEach(async () => opened.disposeAsync());

  /** A Socket.IO server with one client that is in the room `everybody`. */
  const openPod = async (majorVersion?: number, url = redis.url): Promise<TestPod> => {
    const log = memoryLog();
    const link = await RedisLink.open({ target: parseRedisTarget(url)!, log });
    opened.defer(() => link.close());
    const adapter = createGatewayAdapter({ link, log, ...(majorVersion && { majorVersion }) });
    opened.defer(() => {
      adapter.close();
      adapter.close();
    });
    const httpServer = createServer();
    const server = new Server(httpServer, { adapter: adapter.factory, transports: ['websocket'] });
    server.on('connection', (socket) => void socket.join('everybody'));
    opened.defer(() => server.close());
    await new Promise<void>((resolve) => httpServer.listen(0, '127.0.0.1', resolve));
    const { port } = httpServer.address() as AddressInfo;
    const client = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true });
    opened.defer(() => void client.disconnect());
    const heard: unknown[] = [];
    client.on('news', (payload: unknown) => heard.push(payload));
    await eventually(() => client.connected);
    return { server, client, heard, link };
  };

  /** Nobody is told when Redis has taken note of a subscription, so a broadcast is repeated until it comes through. */
  const comesThrough = async (from: TestPod, to: TestPod, payload: string): Promise<void> =>
    eventually(() => {
      from.server.emit('news', payload);
      return to.heard.includes(payload);
    });

  for (const [kind, majorVersion] of [
    ['sharded', undefined],
    ['classic', 6],
  ] as const) {
    describe(`that is ${kind}`, () => {
      it('brings a broadcast to the sockets of all pods, once, binary ones too', async () => {
        const [ada, bob] = [await openPod(majorVersion), await openPod(majorVersion)];
        await comesThrough(ada, bob, 'first');
        await comesThrough(bob, ada, 'first');
        ada.server.emit('news', 'once');
        ada.server.to('everybody').emit('news', Buffer.from('bytes'));
        await eventually(() =>
          bob.heard.some((payload) => Buffer.isBuffer(payload) && payload.equals(Buffer.from('bytes'))),
        );
        for (const { heard } of [ada, bob]) expect(heard.filter((payload) => payload === 'once')).to.have.length(1);
      });

      it('counts the sockets of all pods', async () => {
        const [ada, bob] = [await openPod(majorVersion), await openPod(majorVersion)];
        await comesThrough(ada, bob, 'first');
        expect(await ada.server.fetchSockets()).to.have.length(2);
      });

      it('goes on after Redis was started anew; meanwhile a pod reaches its own sockets', async () => {
        const [ada, bob] = [await openPod(majorVersion), await openPod(majorVersion)];
        await comesThrough(ada, bob, 'before');
        await redis.kill();
        await comesThrough(ada, ada, 'meanwhile');
        await redis.restart({ empty: true });
        await comesThrough(ada, bob, 'after');
        await comesThrough(bob, ada, 'after');
      });

      it('takes no harm of what others write to its channels', async () => {
        const [ada, bob] = [await openPod(majorVersion), await openPod(majorVersion)];
        await comesThrough(ada, bob, 'first');
        const types = Array.from({ length: 16 }, (_, type) => `{"type":${type},"requestId":"1","uid":"x"}`);
        for (const text of ['', '{', 'null', '{}', ...types, Buffer.from([0xc1, 0xff]), Buffer.from([0xc0])]) {
          for (const channel of ['socket.io#/#', 'socket.io-request#/#', 'socket.io-response#/#']) {
            await ada.link.commands.publish(channel, text);
            await ada.link.commands.spublish(channel, text);
          }
        }
        await comesThrough(ada, bob, 'second');
      });

      it('begins as soon as Redis is there, where it was away at first', async () => {
        await redis.kill();
        const [ada, bob] = [await openPod(majorVersion), await openPod(majorVersion)];
        await comesThrough(ada, ada, 'alone');
        await redis.restart();
        await comesThrough(ada, bob, 'together');
      });
    });
  }

  it('brings a broadcast to all pods through a Cluster', async () => {
    const group = opened.use(await ClusterGroup.start());
    const [ada, bob] = [await openPod(undefined, group.url), await openPod(undefined, group.url)];
    await comesThrough(ada, bob, 'first');
    expect(await ada.server.fetchSockets()).to.have.length(2);
  }).timeout(60_000);
});
