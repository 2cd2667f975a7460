import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { AgentFilesInvalid } from '../../server/agent-errors.ts';
import { readConfig } from '../../server/config.ts';
import type { Environment } from '../../server/config.ts';
import { StartError } from '../../server/http-server.ts';
import { startServer } from '../../server/server.ts';
import { FakeCalls } from '../support/fake-calls.ts';
import { memoryLog, startTestServer } from '../support/running-server.ts';
import { selfSignedCertificate } from '../support/self-signed-certificate.ts';
import { SocketClient } from '../support/socket-client.ts';

const start = (environment: Environment, calls = new FakeCalls()) =>
  startServer({ config: readConfig({ PORT: '0', ...environment }), createCalls: async () => calls, log: memoryLog() });

const failure = async (environment: Environment, calls?: FakeCalls): Promise<unknown> =>
  start(environment, calls).then(
    async (server) => {
      await server.close();
      return expect.fail('it started');
    },
    (error: unknown) => error,
  );

describe('startServer', () => {
  it('says where it can be reached and whom one can talk to', async () => {
    const server = await start({});
    expect(server.url).to.equal(`http://localhost:${server.port}`);
    expect(server.agents).to.include('parrot');
    await server.close();
  });

  it('names PORT when it is taken, and closes what it had started', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const calls = new FakeCalls();
    const error = await failure({ PORT: String(port) }, calls);
    other.close();
    expect(error).to.be.instanceOf(StartError);
    expect((error as Error).message).to.include(`PORT=${port}: is taken`);
    expect(calls.closed).to.equal(true);
  });

  it('names HOST when it is no address of this machine', async () => {
    const error = await failure({ HOST: '192.0.2.1', API_KEYS: 'a-key-of-sixteen-characters' });
    expect(error).to.be.instanceOf(StartError).with.property('message').that.includes('HOST=192.0.2.1');
  });

  it('does not start the media side when the agents cannot be used', async () => {
    const started: string[] = [];
    const createCalls = async () => {
      started.push('calls');
      return new FakeCalls();
    };
    const config = readConfig({ PORT: '0', AGENTS_DIR: '/nowhere' });
    const error = await startServer({ config, createCalls, log: memoryLog() }).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(AgentFilesInvalid);
    expect(started).to.deep.equal([]);
  });
});

describe('TLS', () => {
  let folder: string;
  let files: { TLS_CERT: string; TLS_KEY: string };

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'parley-tls-'));
    files = { TLS_CERT: path.join(folder, 'cert.pem'), TLS_KEY: path.join(folder, 'key.pem') };
    const { cert, key } = selfSignedCertificate();
    await writeFile(files.TLS_CERT, cert);
    await writeFile(files.TLS_KEY, key);
  });

  after(async () => rm(folder, { recursive: true }));

  it('is spoken when a certificate and its key are given', async () => {
    const server = await start(files);
    expect(server.url).to.equal(`https://localhost:${server.port}`);
    const status = await new Promise((resolve, reject) => {
      // The certificate is of the test's own making, so nobody vouches for it.
      const options = { host: '127.0.0.1', port: server.port, path: '/health', rejectUnauthorized: false };
      httpsRequest(options, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).to.equal(200);
    await server.close();
  });

  it('names the file that cannot be read, or that is none', async () => {
    const missing = await failure({ ...files, TLS_KEY: path.join(folder, 'none.pem') });
    expect(missing)
      .to.be.instanceOf(StartError)
      .with.property('message')
      .that.includes('TLS_KEY=')
      .and.includes('none.pem');
    await writeFile(path.join(folder, 'text.pem'), 'hello');
    const wrong = await failure({ ...files, TLS_CERT: path.join(folder, 'text.pem') });
    expect(wrong).to.be.instanceOf(StartError).with.property('message').that.includes('TLS_CERT');
  });
});

describe('closing', () => {
  it('waits for conversations that end in time', async () => {
    const server = await startTestServer({ DRAIN_TIMEOUT_MS: '60000' });
    const { token } = await server.open();
    using client = await new SocketClient(server.origin, token).connected();
    await client.join();
    let closed = false;
    const closing = server.close().then(() => {
      closed = true;
    });
    await client.succeed('interrupt');
    expect(closed).to.equal(false);
    await client.succeed('leave');
    expect(await client.event('ended')).to.include({ reason: 'left' });
    await closing;
  });

  it('ends the others, tells their clients why, and closes the media side last', async () => {
    const server = await startTestServer({ DRAIN_TIMEOUT_MS: '0' });
    const { id, token } = await server.open();
    using client = await new SocketClient(server.origin, token).connected();
    await client.join();
    await Promise.all([server.close(), server.close()]);
    expect(await client.event('ended')).to.include({ reason: 'shutdown' });
    await client.disconnected();
    expect(server.calls.asked).to.include(`end ${id}`);
    expect(server.calls.closed).to.equal(true);
  });

  it('does not wait for connections that idle, nor for clients that never joined', async () => {
    const server = await startTestServer({ DRAIN_TIMEOUT_MS: '60000' });
    const { token } = await server.open();
    using client = await new SocketClient(server.origin, token).connected();
    await server.request('GET', '/health');
    await server.close();
    await client.disconnected();
    const refused = await fetch(`${server.origin}/health`).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(TypeError);
  });
});
