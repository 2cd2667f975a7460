import { join } from 'node:path';
import { expect } from 'chai';
import { portsOfSlot } from '../../scripts/pod/take-slot.mjs';
import { runCommand } from '../../scripts/setup/run-command.mjs';
import { findProgram } from '../../scripts/setup/system-needs.mjs';
import { readConfig } from '../../server/config.ts';
import { startTestServer } from '../support/running-server.ts';
import { compose, isSetting, readText, root } from './manifests.ts';

const { services, volumes } = compose();
const haproxyConfig = readText('deploy/haproxy.cfg');
const sample = readText('.env.example');

/** As somebody would fill the sample in. */
const filledIn: Record<string, string> = {
  API_KEYS: '0123456789abcdef',
  TOKEN_SECRET: '0123456789abcdef0123456789abcdef',
  REDIS_PASSWORD: 'fedcba9876543210',
  MEDIA_ANNOUNCED_ADDRESS: '192.0.2.1',
};

/** Compose's `${NAME:-default}` and `${NAME:?message}`, and `$$`. */
const resolve = (text: string): string =>
  text.replace(/\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}/g, (whole, name?: string, sort?: string, rest = '') => {
    if (name === undefined) return '$';
    const value = filledIn[name];
    if (value === undefined && sort !== '-') throw new Error(`${whole} has no value`);
    return value ?? rest;
  });

const environment: Record<string, string> = Object.fromEntries(
  Object.entries<string>(services.pod.environment).map(([name, value]) => [name, resolve(value)]),
);
const slots = Number(environment['POD_SLOTS']);

/** Addresses that the balancer knows. */
const servers = Array.from(haproxyConfig.matchAll(/^ *server \S+ (\S+)$/gm), ([, address]) => address);

const seconds = (text: string): number => Number(/^(\d+)s$/.exec(text)?.[1]);

describe('docker-compose.yml', () => {
  it('gives pods settings that the server knows and accepts', () => {
    expect(Object.keys(environment).filter((name) => !isSetting(name))).to.be.empty;
    const config = readConfig(environment);
    expect(config.http.host).to.equal('127.0.0.1');
    expect(config.voice.workers).to.equal(config.media.workers);
  });

  it('has two pods, and the balancer knows a server for each slot', () => {
    expect(services.pod.deploy.replicas).to.equal(2);
    const ofSlots = Array.from({ length: slots }, (_, slot) => `127.0.0.1:${portsOfSlot(environment, slot).PORT}`);
    expect(servers).to.deep.equal(ofSlots);
  });

  it('asks for what has no sensible default, and the sample names it all', () => {
    const text = readText('docker-compose.yml');
    const required = Array.from(text.matchAll(/\$\{(\w+):\?/g), ([, name]) => name);
    expect([...new Set(required)]).to.have.members(['API_KEYS', 'REDIS_PASSWORD', 'TOKEN_SECRET']);
    const used = Array.from(text.matchAll(/\$\{(\w+):[-?]/g), ([, name]) => name ?? '');
    for (const name of used) expect(sample).to.match(new RegExp(`^#?${name}=`, 'm'));
    const offered = Array.from(sample.matchAll(/^#?([A-Z_]+)=/gm), ([, name]) => name);
    expect([...new Set(used)]).to.have.members(offered);
  });

  it('has no values for secrets in the sample', () => {
    for (const name of ['API_KEYS', 'TOKEN_SECRET', 'REDIS_PASSWORD']) {
      expect(sample).to.match(new RegExp(`^${name}=$`, 'm'));
    }
  });

  it('lets a pod drain and close before it is killed', () => {
    const { drainTimeoutMs } = readConfig(environment);
    expect(seconds(services.pod.stop_grace_period)).to.be.at.least(drainTimeoutMs / 1000 + 15);
  });

  it('keeps Redis on a volume and away from other machines, and never lets it evict', () => {
    const { command, ports, volumes: mounted, healthcheck } = services.redis;
    const started = resolve(command.join(' '));
    for (const option of ['--appendonly yes', '--appendfsync everysec', '--maxmemory-policy noeviction']) {
      expect(started).to.include(option);
    }
    expect(ports.map(resolve)).to.deep.equal(['127.0.0.1:6379:6379']);
    expect(Object.keys(volumes)).to.include(mounted[0].split(':')[0]);
    expect(healthcheck.test.join(' ')).to.include('redis-cli ping');
    expect(environment['REDIS_URL']).to.equal('redis://:fedcba9876543210@127.0.0.1:6379/0');
  });

  it('starts each part when what it needs is healthy', () => {
    expect(services.pod.depends_on.redis.condition).to.equal('service_healthy');
    expect(services.haproxy.depends_on.pod.condition).to.equal('service_healthy');
  });

  it('runs pods and balancer without capabilities on a read-only tree', () => {
    for (const { read_only: readOnly, cap_drop: dropped, security_opt: options } of [services.pod, services.haproxy]) {
      expect([readOnly, dropped, options]).to.deep.equal([true, ['ALL'], ['no-new-privileges:true']]);
    }
  });
});

describe('deploy/haproxy.cfg', () => {
  const program = findProgram(['haproxy', '/usr/sbin/haproxy']);

  const check = (config: string): Promise<string> => {
    if (program === undefined) throw new Error('haproxy is not on this machine: apt-get install -y haproxy');
    return runCommand(program, ['-c', '-f', config]);
  };

  it('is valid', async () => {
    await check(join(root, 'deploy/haproxy.cfg'));
  });

  it('asks each pod whether it is ready, by a path that the server answers', async () => {
    const path = /option httpchk GET (\S+)/.exec(haproxyConfig)?.[1] ?? '';
    expect(path).to.equal('/health/ready');
    const server = await startTestServer();
    const { status } = await server.request('GET', path);
    await server.close();
    expect(status).to.equal(200);
  });

  it('has clients that come again try all pods in turn', () => {
    expect(haproxyConfig).to.match(
      /use_backend pods_in_turn if \{ hdr\(Upgrade\) -i websocket \} \{ url_param\(again\) -m found \}/,
    );
    const tried = Array.from(haproxyConfig.matchAll(/^ *server (\S+) (\S+) track pods\/(\S+)$/gm));
    expect(tried.map(([, , address]) => address)).to.deep.equal(servers);
    for (const [, name, , tracked] of tried) expect(tracked).to.equal(name);
  });

  it('sticks to no pod, and leaves the connections of a draining pod to it', () => {
    const active = haproxyConfig.replace(/^\s*#.*$/gm, '');
    expect(active).to.include('balance leastconn');
    expect(active).not.to.match(/cookie|stick|on-marked-down/);
  });
});
