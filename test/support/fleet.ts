/**
 * Servers, Redis and a load balancer, each on a host of its own, as a whole that tests can cut, stop and kill parts of.
 * Needs what `Network` needs.
 */
import type { Browser } from 'playwright-core';
import { launchBrowser, type BrowserOptions } from './browser.ts';
import { sentinelUrlOf, startRedis, startSentinel, urlOf } from './fleet-redis.ts';
import type { HostProcess } from './host-process.ts';
import { LoadBalancer, type LoadBalancerOptions } from './load-balancer.ts';
import { Network } from './network.ts';
import type { NetworkHost } from './network-host.ts';
import { API_KEY, startPod, type Pod } from './pod.ts';

export type FleetOptions = {
  /** How many servers. */
  pods: number;
  /** Whether there is a Redis for all of them, or one with a replica and a Sentinel that watches both. Default: one. */
  redis?: false | 'single' | 'sentinel';
  /** Whether haproxy stands before them, or how. Default: true. */
  balancer?: boolean | LoadBalancerOptions;
  /** For every server, beside what `startPod` gives. */
  environment?: Record<string, string>;
  /** On which it stands, for whoever has servers of their own at its end; it goes with the fleet. Default: a new one. */
  network?: Network;
};

export class Fleet {
  readonly network: Network;
  readonly pods: Pod[] = [];
  redis: HostProcess | undefined;
  replica: HostProcess | undefined;
  balancer: LoadBalancer | undefined;
  readonly #environment: Record<string, string>;
  readonly #browsers: Browser[] = [];

  private constructor(network: Network, environment: Record<string, string>) {
    this.network = network;
    this.#environment = environment;
  }

  static async start({
    pods,
    redis = 'single',
    balancer = true,
    environment = {},
    network,
  }: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(network ?? (await Network.create()), { ...environment });
    try {
      if (redis) await fleet.#startRedis(redis);
      const hosts = await Promise.all(Array.from({ length: pods }, (_, index) => fleet.network.host(`pod-${index}`)));
      // One after another: each loads its models in 15 s, or is given up, and the machine may have much else to do.
      for (const host of hosts) fleet.pods.push(await startPod(host, fleet.#environment));
      if (balancer) await fleet.#startBalancer(balancer === true ? {} : balancer);
      return fleet;
    } catch (error) {
      await fleet.close();
      throw error;
    }
  }

  /** Where clients go: the load balancer, or the first server where there is none. */
  get url(): string {
    const url = this.balancer?.url ?? this.pods[0]?.url;
    if (!url) throw new Error('this fleet has no server');
    return url;
  }

  /** Starts the server in this place again, after its end; its host and address are the same. */
  async restart(index: number, environment: Record<string, string> = {}): Promise<Pod> {
    const { host, process } = this.pods[index]!;
    await process.exited;
    return (this.pods[index] = await startPod(host, { ...this.#environment, ...environment }));
  }

  /** Starts Redis again after its end, empty. */
  async restartRedis(): Promise<void> {
    const { host, exited } = this.redis!;
    await exited;
    this.redis = await startRedis(host);
  }

  /** Asks as somebody with a key does. @param url default: where clients go */
  async request(
    method: string,
    path: string,
    body?: object,
    url = this.url,
  ): Promise<{ status: number; body: unknown }> {
    const response = await fetch(url + path, {
      method,
      headers: { Authorization: `Bearer ${API_KEY}`, ...(body && { 'Content-Type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const isJson = response.headers.get('content-type')?.includes('application/json');
    return { status: response.status, body: isJson ? await response.json() : await response.text() };
  }

  /** Opens a session. @param url of the server that is asked */
  async open(body: object = {}, url = this.url): Promise<{ id: string; token: string; pod: string }> {
    const answer = await this.request('POST', '/v2/sessions', body, url);
    if (answer.status !== 201) throw new Error(`no session: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as { id: string; token: string; pod: string };
  }

  /** A Chromium on a host of its own, to whom this fleet's addresses are as good as HTTPS. */
  async browser(
    options: BrowserOptions = {},
    name = `browser-${this.#browsers.length}`,
  ): Promise<Browser & { host: NetworkHost }> {
    const host = await this.network.host(name);
    const trusted = [this.url, ...this.pods.map(({ url }) => url)];
    const browser = await launchBrowser({ ...options, host, trusted });
    this.#browsers.push(browser);
    return Object.assign(browser, { host });
  }

  /** Everything goes, however it stands. Idempotent. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#browsers.map((browser) => browser.close()));
    await Promise.all(this.pods.filter(({ process }) => process.running).map(({ process }) => process.kill()));
    await this.balancer?.close();
    await this.network.close();
  }

  async #startRedis(kind: 'single' | 'sentinel'): Promise<void> {
    const master = await this.network.host('redis');
    this.redis = await startRedis(master);
    if (kind === 'single') {
      this.#environment['REDIS_URL'] ??= urlOf(master);
      return;
    }
    const sentinel = await this.network.host('sentinel');
    this.replica = await startRedis(await this.network.host('replica'), master);
    await startSentinel(sentinel, master);
    this.#environment['REDIS_SENTINEL_URL'] ??= sentinelUrlOf(sentinel);
  }

  async #startBalancer(options: LoadBalancerOptions): Promise<void> {
    const backends = this.pods.map(({ host, url }) => ({ name: host.name, host, port: Number(new URL(url).port) }));
    this.balancer = await LoadBalancer.start(await this.network.host('balancer'), backends, options);
  }
}
