import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect } from 'chai';
import { Sfu } from '../../media/sfu.ts';
import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/free-port.ts';

const events = { onLost: () => undefined, onReplaced: () => undefined, onLog: () => undefined };
const listeners = () => [{ ip: '127.0.0.1' }];

describe('Sfu', function () {
  this.timeout(30_000);

  it('gives each worker a port of its own from MEDIA_PORT on, UDP and TCP', async () => {
    const port = await freePorts(2);
    const sfu = await Sfu.start({ size: 2, listeners, port, events });
    try {
      const dumps = await Promise.all([0, 1].map((index) => sfu.worker(index).webRtcServer.dump()));
      expect(dumps.map(({ udpSockets }) => udpSockets[0]!.port)).to.deep.equal([port, port + 1]);
      expect(dumps.map(({ tcpServers }) => tcpServers[0]!.port)).to.deep.equal([port, port + 1]);
    } finally {
      sfu.close();
    }
  });

  it('refuses to start on a port that is taken, and names it', async () => {
    const port = await freePorts(2);
    const squatter = createSocket('udp4').bind({ port: port + 1, address: '127.0.0.1', exclusive: true });
    await once(squatter, 'listening');
    try {
      const outcome = await Sfu.start({ size: 2, listeners, port, events }).catch((error: unknown) => error);
      expect(outcome).to.include({ code: 'media_port_taken' });
      expect((outcome as Error).message)
        .to.include(`${port + 1}`)
        .and.include('MEDIA_PORT');
    } finally {
      squatter.close();
    }
  });

  it('replaces a worker that dies, on the same port, and tells of both', async () => {
    const port = await freePorts(2);
    const told: string[] = [];
    const noting = {
      onLost: (index: number) => void told.push(`lost ${index}`),
      onReplaced: (index: number) => void told.push(`replaced ${index}`),
      onLog: () => undefined,
    };
    const sfu = await Sfu.start({ size: 2, listeners, port, events: noting });
    try {
      const [first, second] = sfu.pids;
      process.kill(second!, 'SIGKILL');
      await eventually(() => told.length === 2);
      expect(told).to.deep.equal(['lost 1', 'replaced 1']);
      expect(sfu.worker(0).pid).to.equal(first);
      const { udpSockets } = await sfu.worker(1).webRtcServer.dump();
      expect(udpSockets[0]!.port).to.equal(port + 1);
    } finally {
      sfu.close();
    }
  });

  it('replaces a worker on the addresses that the machine has by then', async () => {
    const addresses = ['127.0.0.1'];
    const replaced = Promise.withResolvers<void>();
    const noting = {
      ...events,
      onReplaced: () => replaced.resolve(),
      // The first try has failed.
      onLog: () => void addresses.splice(0, 1, '127.0.0.2'),
    };
    const sfu = await Sfu.start({ size: 1, listeners: () => addresses.map((ip) => ({ ip })), events: noting });
    try {
      // Of a network that is gone, which no socket can be bound to (RFC 5737).
      addresses.splice(0, 1, '192.0.2.1');
      process.kill(sfu.pids[0]!, 'SIGKILL');
      await replaced.promise;
      const { udpSockets } = await sfu.worker(0).webRtcServer.dump();
      expect(udpSockets[0]!.ip).to.equal('127.0.0.2');
    } finally {
      sfu.close();
    }
  });

  it('notices a worker that hangs without dying, ends it and replaces it', async () => {
    const told: string[] = [];
    const noting = {
      onLost: (index: number) => void told.push(`lost ${index}`),
      onReplaced: (index: number) => void told.push(`replaced ${index}`),
      onLog: (line: string) => void told.push(line),
    };
    const sfu = await Sfu.start({ size: 2, listeners, events: noting });
    try {
      const [first, second] = sfu.pids;
      process.kill(second!, 'SIGSTOP');
      await eventually(() => told.length === 3, 15_000);
      expect(told[0]).to.match(/^media worker 1 did not answer for \d+ ms/);
      expect(told.slice(1)).to.deep.equal(['lost 1', 'replaced 1']);
      expect(sfu.pids[0]).to.equal(first);
      expect(() => process.kill(second!, 0), 'it is gone').to.throw();
    } finally {
      sfu.close();
    }
  });

  it('says while a worker is being replaced that it is', async () => {
    const sfu = await Sfu.start({ size: 1, listeners, events });
    try {
      const { rtpCapabilities } = sfu;
      process.kill(sfu.pids[0]!, 'SIGKILL');
      await eventually(() => sfu.restarts === 1);
      const outcome = (() => {
        try {
          return sfu.worker(0);
        } catch (error) {
          return error;
        }
      })();
      expect(outcome).to.satisfy(
        (it: object) => 'pid' in it || ('code' in it && it.code === 'media_worker_unavailable'),
      );
      expect(sfu.rtpCapabilities, 'known all the while').to.equal(rtpCapabilities);
    } finally {
      sfu.close();
    }
  });
});
