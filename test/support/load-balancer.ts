/** haproxy before several servers, as DEPLOY.md has it: websockets, the least busy server, none that is not ready. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../scripts/setup/system-needs.mjs';
import { HostProcess } from './host-process.ts';
import type { NetworkHost } from './network-host.ts';

const PORT = 8080;

export type LoadBalancerOptions = {
  /** Lets no WebSocket through, and keeps each client to one server by a cookie. Default: false. */
  pollingOnly?: boolean;
};

export type Backend = { name: string; host: NetworkHost; port: number };

export class LoadBalancer {
  readonly process: HostProcess;
  readonly url: string;
  readonly #folder: string;

  private constructor(process: HostProcess, folder: string) {
    this.process = process;
    this.url = `http://${process.host.address}:${PORT}`;
    this.#folder = folder;
  }

  static async start(
    host: NetworkHost,
    backends: readonly Backend[],
    options: LoadBalancerOptions = {},
  ): Promise<LoadBalancer> {
    const program = findProgram(['haproxy', '/usr/sbin/haproxy']);
    if (!program) throw new Error('haproxy is missing; `npm test` installs it or says what to install.');
    const folder = await mkdtemp(join(tmpdir(), 'parley-haproxy-'));
    const path = join(folder, 'haproxy.cfg');
    await writeFile(path, haproxyConfiguration(backends, options));
    // In the foreground, without a master: one process, which dies with its host.
    const process = new HostProcess(host, { program, args: ['-db', '-f', path] });
    const balancer = new LoadBalancer(process, folder);
    await balancer.#answers();
    return balancer;
  }

  async close(): Promise<void> {
    if (this.process.running) await this.process.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Until a request gets through to a server that is ready. */
  async #answers(): Promise<void> {
    for (let tried = 0; tried < 100 && this.process.running; tried++) {
      const answer = await fetch(`${this.url}/health/ready`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`haproxy does not answer:\n${this.process.lines.join('\n')}`);
  }
}

function haproxyConfiguration(backends: readonly Backend[], { pollingOnly = false }: LoadBalancerOptions): string {
  const cookie = (name: string) => (pollingOnly ? ` cookie ${name}` : '');
  const servers = backends.map(({ name, host, port }) => `  server ${name} ${host.address}:${port}`);
  return `
global
  maxconn 4000
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 30s
  # A websocket that says nothing for longer than its pings take is dead.
  timeout tunnel 1h
  timeout check 500ms
  # A server that does not take the connection: at once another one, not the same after a second.
  retries 3
  option redispatch 1
frontend web
  bind :${PORT}
${pollingOnly ? '  http-request deny if { hdr(Upgrade) -i websocket }' : ''}
  use_backend pods_in_turn if { hdr(Upgrade) -i websocket } { url_param(again) -m found }
  default_backend pods
backend pods
  balance leastconn
${pollingOnly ? '  cookie pod insert indirect nocache' : ''}
  option httpchk GET /health/ready
  http-check expect status 200
  # A server that drains is not ready, and moves its clients itself: what is connected stays connected.
  default-server check inter 250ms fall 2 rise 1
${servers.map((server, index) => server + cookie(backends[index]!.name)).join('\n')}
backend pods_in_turn
  balance roundrobin
${servers.map((server, index) => `${server} track pods/${backends[index]!.name}`).join('\n')}
`;
}
