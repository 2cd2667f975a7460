import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { findProgram } from '../../scripts/setup/system-needs.mjs';
import { eventually } from '../support/eventually.ts';
import { startTestServer } from '../support/running-server.ts';
import type { TestServer } from '../support/running-server.ts';
import { SocketClient } from '../support/socket-client.ts';
import { freePort } from '../support/free-port.ts';
import { readText } from './manifests.ts';

describe('deploy/haproxy.cfg in front of two pods, the other slots empty', function () {
  this.timeout(60_000);
  const environment = {
    API_KEYS: '0123456789abcdef',
    TOKEN_SECRET: '0123456789abcdef0123456789abcdef',
    HOST: '127.0.0.1',
  };
  const headers = { Authorization: `Bearer ${environment.API_KEYS}` };
  let folder: string;
  let pods: TestServer[];
  let haproxy: ChildProcess;
  let url: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'parley-balancer-'));
    pods = [await startTestServer(environment), await startTestServer(environment)];
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const addresses = pods.map((pod) => pod.port);
    // Only addresses differ from what is delivered.
    const config = readText('deploy/haproxy.cfg').replace(/^( *server pod(\d+)) \S+/gm, (_, server, slot) => {
      return `${server} 127.0.0.1:${addresses[Number(slot)] ?? 1}`;
    });
    writeFileSync(join(folder, 'haproxy.cfg'), config);
    const program = findProgram(['haproxy', '/usr/sbin/haproxy']);
    if (program === undefined) throw new Error('haproxy is not on this machine: apt-get install -y haproxy');
    haproxy = spawn(program, ['-db', '-f', join(folder, 'haproxy.cfg')], {
      env: { ...process.env, PROXY_PORT: String(port) },
      stdio: 'ignore',
    });
    // It takes every slot for a pod until it has looked, which is within a second.
    await eventually(async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, ready));
      return answers.every(Boolean);
    }, 30_000);
  });
  after(async () => {
    haproxy.kill('SIGKILL');
    if (haproxy.exitCode === null && haproxy.signalCode === null) await once(haproxy, 'exit');
    for (const pod of pods) await pod.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const ready = (): Promise<boolean> =>
    fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  /** By way of the balancer. */
  const open = async (): Promise<{ pod: string; token: string }> =>
    (await (await fetch(`${url}/v2/sessions`, { method: 'POST', headers })).json()) as { pod: string; token: string };
  const connectionsOfPods = () => Promise.all(pods.map((pod) => pod.connections()));

  it('spreads requests over those that are there', async () => {
    const opened = await Promise.all(Array.from({ length: 8 }, open));
    expect(new Set(opened.map(({ pod }) => pod)).size).to.equal(2);
  });

  it('passes WebSockets on', async () => {
    // Without a shared store each pod knows its own sessions alone, and lets in only the client that comes to it.
    const { token } = await pods[0]!.open();
    const clients = Array.from({ length: 4 }, () => new SocketClient(url, token));
    try {
      await eventually(async () => (await connectionsOfPods()).some((count) => count > 0), 30_000);
    } finally {
      for (const client of clients) client[Symbol.dispose]();
    }
  });

  it('sends nobody to a pod that closes', async () => {
    await pods[0]!.close();
    await eventually(async () => {
      const opened = await Promise.all(Array.from({ length: 6 }, open));
      return new Set(opened.map(({ pod }) => pod)).size === 1;
    }, 30_000);
    expect(await ready()).to.be.true;
  });

  it('says 503 when there is none left', async () => {
    await pods[1]!.close();
    await eventually(async () => (await fetch(`${url}/health/ready`)).status === 503, 30_000);
  });
});
