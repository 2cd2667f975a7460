import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { manifestsOf, one } from './manifests.ts';

const manifests = manifestsOf('k8s-redis.yaml');
const configuration: string = one(manifests, 'ConfigMap').data['redis.conf'];

describe("Redis' configuration in Kubernetes", () => {
  let folder: string;
  let server: ChildProcess;
  let port: number;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'parley-redis-'));
    port = await freePort();
    // Only where files lie and where it listens differ from the cluster's.
    const moved = `${configuration.replace('dir /data', `dir ${folder}`)}\nport ${port}\nbind 127.0.0.1\n`;
    writeFileSync(join(folder, 'redis.conf'), moved);
    const [shell, flag, command] = one(manifests, 'StatefulSet').spec.template.spec.containers[0].command;
    server = spawn(shell, [flag, command.replace('/etc/redis', folder)], {
      env: { ...process.env, REDISCLI_AUTH: 'secret-of-the-test' },
      stdio: 'ignore',
    });
  });
  after(async () => {
    server.kill();
    if (server.exitCode === null) await once(server, 'exit');
    rmSync(folder, { recursive: true, force: true });
  });

  const connect = (password?: string) =>
    new Redis({ port, host: '127.0.0.1', ...(password && { password }), retryStrategy: () => 50 });

  it('is what a server runs with: a log, a limit, no eviction', async () => {
    const redis = connect('secret-of-the-test');
    redis.on('error', () => undefined); // Until it listens.
    try {
      await eventually(async () => (await redis.ping().catch(() => '')) === 'PONG');
      const read = async (name: string) => (await redis.config('GET', name))[1];
      expect(await read('appendonly')).to.equal('yes');
      expect(await read('appendfsync')).to.equal('everysec');
      expect(await read('maxmemory')).to.equal(String(512 * 2 ** 20));
      expect(await read('maxmemory-policy')).to.equal('noeviction');
    } finally {
      redis.disconnect();
    }
  });

  it('lets nobody in without the password', async () => {
    const redis = connect();
    redis.on('error', () => undefined); // It is refused when it says hello, too.
    try {
      const refused = await redis.ping().catch((error: Error) => error.message);
      expect(refused).to.include('NOAUTH');
    } finally {
      redis.disconnect();
    }
  });
});
