/** Where Redis is, as operators write it. */

export type RedisAddress = { host: string; port: number };

export type RedisTarget = {
  username?: string;
  password?: string;
  tls: boolean;
} & (
  | { kind: 'single'; address: RedisAddress; db: number }
  | { kind: 'sentinel'; sentinels: RedisAddress[]; master: string; db: number }
  | { kind: 'cluster'; nodes: RedisAddress[] }
);

const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26_379;
const FORM =
  /^(?<scheme>rediss?|redis\+sentinel|redis\+cluster):\/\/(?:(?<username>[^:@/]*):(?<password>[^@/]*)@)?(?<hosts>[^/@]+)(?:\/(?<path>[^/]*))?$/;

/**
 * Reads `redis[s]://[user:password@]host[:port][/db]`, `redis+cluster://…host[:port][,host[:port]]` or
 * `redis+sentinel://…host[:port][,host[:port]]/master`.
 * @returns undefined for anything else
 */
export const parseRedisTarget = (url: string): RedisTarget | undefined => {
  const { scheme, username, password, hosts = '', path = '' } = FORM.exec(url)?.groups ?? {};
  if (scheme === undefined) return undefined;
  const port = scheme === 'redis+sentinel' ? DEFAULT_SENTINEL_PORT : DEFAULT_PORT;
  const addresses = hosts.split(',').map((host) => parseAddress(host, port));
  if (!addresses.every((address) => address !== undefined)) return undefined;
  const [user, secret] = [decode(username), decode(password)];
  if (user === undefined || secret === undefined) return undefined;
  const access = { ...(user && { username: user }), ...(secret && { password: secret }), tls: scheme === 'rediss' };
  if (scheme === 'redis+cluster') return path === '' ? { ...access, kind: 'cluster', nodes: addresses } : undefined;
  if (scheme === 'redis+sentinel') {
    return path === '' ? undefined : { ...access, kind: 'sentinel', sentinels: addresses, master: path, db: 0 };
  }
  const [address, ...others] = addresses;
  if (address === undefined || others.length > 0 || !/^\d{0,4}$/.test(path)) return undefined;
  return { ...access, kind: 'single', address, db: Number(path) };
};

const parseAddress = (text: string, defaultPort: number): RedisAddress | undefined => {
  const [, host, port = String(defaultPort)] = /^(\[[\da-fA-F:]+\]|[\w.-]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined;
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
};

/** @returns undefined where a percent sign is not followed by what it has to be */
const decode = (text = ''): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};
