/** The server itself, as people start it, on a host of a test's network. */
import { fileURLToPath } from 'node:url';
import { HostProcess } from './host-process.ts';
import type { NetworkHost } from './network-host.ts';

const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url));

export const API_KEY = 'key-of-all-test-servers';

/** What such a server is started with unless told otherwise: reachable from the network, small. */
const DEFAULTS = {
  HOST: '0.0.0.0',
  PORT: '3000',
  API_KEYS: API_KEY,
  // The page needs no key, and makes its sessions at the demo.
  DEMO: 'true',
  TOKEN_SECRET: 'secret-of-all-test-servers-0123456789',
  MEDIA_WORKERS: '1',
  WORKER_POOL_SIZE: '1',
  DRAIN_TIMEOUT_MS: '0',
};

export type Pod = {
  /** Its name among the others, another one after each start. */
  readonly id: string;
  readonly process: HostProcess;
  readonly host: NetworkHost;
  /** `http://address:port`, from every end of the network. */
  readonly url: string;
  /** The lines of its log, parsed. */
  readonly log: () => Record<string, unknown>[];
};

/** Several start at once, each with its models to load, on a machine that others use, too. */
const START_PATIENCE_MS = 90_000;

let starts = 0;

/**
 * Starts it and waits until it is ready.
 * @param environment beside what every such server is started with; nothing else of this process's own environment
 */
export async function startPod(host: NetworkHost, environment: Record<string, string> = {}): Promise<Pod> {
  const { PATH, HOME, MEDIASOUP_WORKER_BIN, NODE_COMPILE_CACHE } = process.env;
  const id = `${host.name}.${(starts += 1)}`;
  const settings = { ...DEFAULTS, POD_ID: id, MEDIA_ANNOUNCED_ADDRESS: host.address, ...environment };
  const started = new HostProcess(host, {
    program: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', MAIN],
    environment: { PATH, HOME, MEDIASOUP_WORKER_BIN, NODE_COMPILE_CACHE, ...settings },
  });
  await started.said(/Parley is ready/, START_PATIENCE_MS);
  return {
    id,
    process: started,
    host,
    url: `http://${host.address}:${settings.PORT}`,
    log: () =>
      started.lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}
