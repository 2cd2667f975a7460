/** The environment, read once and checked as a whole. The only file that reads `process.env`. */
import { randomBytes } from 'node:crypto';
import type { VendorAccess } from '../media/providers/vendor-access.ts';
import type { RedisTarget } from '../signalling/redis-target.ts';
import { settings } from './config-settings.ts';
import { misspeltSettings } from './misspelt-settings.ts';
import { canConverse, defaultModelsOf, vendorAccessOf, type DefaultModels } from './vendor-settings.ts';
import type { IceServerSetting, Setting, SettingName, SettingValues, SignallingTransport } from './config-settings.ts';

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

export type Config = {
  readonly http: {
    readonly port: number;
    readonly host: string;
    /** Without a slash at the end. */
    readonly publicUrl?: string;
    /** Origins beside the server's own; `*` means all. */
    readonly allowedOrigins: readonly string[];
    /** Paths of PEM files. */
    readonly tls?: { readonly certPath: string; readonly keyPath: string };
  };
  /** None: only this machine is served. */
  readonly apiKeys: readonly string[];
  readonly tokenSecret: string;
  /** Whether `POST /demo/sessions` is there. */
  readonly demo: boolean;
  readonly media: {
    readonly workers: number;
    /** First port; absent: free ones. */
    readonly port?: number;
    readonly announcedAddress?: string;
    readonly iceServers: readonly IceServerSetting[];
  };
  readonly voice: {
    readonly workers: number;
    readonly maxSessionsPerWorker: number;
    readonly heartbeatIntervalMs: number;
    /** Absent: no journals. */
    readonly journalFolder?: string;
  };
  readonly sessionTimeoutMs: number;
  /** Most sessions that wait for a place. */
  readonly maxQueuedSessions: number;
  readonly signallingTransports: readonly SignallingTransport[];
  /** Absent: this server is by itself. */
  readonly redis?: {
    readonly target: RedisTarget;
    /** Key of the list of sessions that wait for a place. */
    readonly queue: string;
    /** Channel of answers between pods. */
    readonly replyChannel: string;
    /** How long a session stays after its end, in ms. */
    readonly sessionTtlMs: number;
  };
  /** Absent: one is made up. */
  readonly podId?: string;
  /** Vendors whose keys are known, with the keys. */
  readonly vendors: VendorAccess;
  readonly models: DefaultModels;
  readonly agents: {
    readonly folder: string;
    readonly defaultName?: string;
    /** The default where it is there, and no name is given. */
    readonly preferredName?: string;
    /** By name. */
    readonly secrets: Readonly<Record<string, string>>;
    /** Absent: there are those of the folder alone. */
    readonly backend?: { readonly url: string; readonly secret: string; readonly sharedTtlMs: number };
  };
  /** Where the end of sessions is told whose agents name no other address. */
  readonly webhook?: { readonly url: string; readonly secret: string };
  readonly logLevel: LogLevel;
  readonly drainTimeoutMs: number;
  /** What an operator should know about these values. */
  readonly notices: readonly string[];
};

/** The environment is not acceptable. The message names every setting that is wrong, one a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'invalid_config';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

const MASK = '********';
const names = Object.keys(settings) as SettingName[];
const settingOf = (name: SettingName): Setting => settings[name];

/**
 * Reads and checks all settings.
 * @throws {ConfigError} naming all that is wrong at once.
 */
export const readConfig = (environment: Environment = process.env): Config => {
  const problems: string[] = [];
  const values = parseAll(environment, problems);
  problems.push(...contradictions(values));
  if (problems.length > 0) throw new ConfigError(problems);
  const notices = [...noticesOf(values), ...misspeltSettings(environment, names)];
  return deepFreeze({ ...compose(values), notices });
};

/** The effective settings for the log at start: secrets masked, absent ones left out. */
export const describeConfig = (environment: Environment = process.env): Record<string, string> => {
  const shown: Record<string, string> = {};
  for (const name of names) {
    const { fallback, secret } = settingOf(name);
    const given = textOf(environment, name);
    if (given !== undefined) shown[name] = secret ? MASK : given;
    else if (fallback !== undefined) shown[name] = fallback;
  }
  // What the keys decide is what matters most for who can reach the server.
  const open = shown['API_KEYS'] === undefined;
  return { HOST: open ? '127.0.0.1' : '0.0.0.0', DEMO: String(open), ...shown };
};

/**
 * onnxruntime's builds for Linux and macOS (from 1.29 on) report models, devices and errors to their maker, under an
 * identifier that they keep on disk, unless this is set before the library is loaded. A library sees what the main thread
 * sets; what a worker thread sets stays in the thread.
 */
export const keepNativeLibrariesQuiet = (environment: NodeJS.ProcessEnv = process.env): void => {
  environment['ORT_DISABLE_TELEMETRY'] = '1';
};

/** An empty variable is as good as none. */
const textOf = (environment: Environment, name: SettingName): string | undefined => {
  const text = environment[name]?.trim();
  return text === '' ? undefined : text;
};

const parseAll = (environment: Environment, problems: string[]): SettingValues => {
  const values: Partial<Record<SettingName, unknown>> = {};
  for (const name of names) {
    const { schema, fallback, allowed, secret } = settingOf(name);
    const text = textOf(environment, name) ?? fallback;
    if (text === undefined) continue;
    const parsed = schema.safeParse(text);
    if (parsed.success) values[name] = parsed.data;
    else problems.push(`${name}=${secret ? MASK : text}: must be ${allowed}`);
  }
  return values as SettingValues;
};

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);

const contradictions = (values: SettingValues): string[] => {
  const { TLS_CERT, TLS_KEY, HOST, API_KEYS, MEDIA_PORT, MEDIA_WORKERS } = values;
  const problems = redisContradictions(values);
  if (TLS_CERT !== undefined && TLS_KEY === undefined) problems.push('TLS_KEY: must be set too, because TLS_CERT is');
  if (TLS_KEY !== undefined && TLS_CERT === undefined) problems.push('TLS_CERT: must be set too, because TLS_KEY is');
  if (HOST !== undefined && API_KEYS === undefined && !isLoopback(HOST)) {
    problems.push(
      `HOST=${HOST}: must be a loopback address such as 127.0.0.1, or set API_KEYS to serve other machines`,
    );
  }
  if (MEDIA_PORT !== undefined && MEDIA_PORT + (MEDIA_WORKERS ?? 1) - 1 > 65_535) {
    problems.push(`MEDIA_PORT=${MEDIA_PORT}: must leave ports up to 65535 for ${MEDIA_WORKERS} media workers`);
  }
  if (values.AGENT_CONFIG_URL !== undefined && values.AGENT_CONFIG_SECRET === undefined) {
    problems.push('AGENT_CONFIG_SECRET: must be set too, because AGENT_CONFIG_URL is');
  }
  if (values.WEBHOOK_URL !== undefined && values.WEBHOOK_SECRET === undefined) {
    problems.push('WEBHOOK_SECRET: must be set too, because WEBHOOK_URL is');
  }
  return problems;
};

const redisContradictions = ({ REDIS_URL, REDIS_SENTINEL_URL, TOKEN_SECRET }: SettingValues): string[] => {
  const problems: string[] = [];
  if (REDIS_URL !== undefined && REDIS_SENTINEL_URL !== undefined) {
    problems.push('REDIS_SENTINEL_URL: must not be set together with REDIS_URL; set the one that says where Redis is');
  }
  if ((REDIS_URL ?? REDIS_SENTINEL_URL) !== undefined && TOKEN_SECRET === undefined) {
    problems.push(
      'TOKEN_SECRET: must be set when Redis is, to the same value on every server: each accepts tokens of the others',
    );
  }
  return problems;
};

const compose = (values: SettingValues): Omit<Config, 'notices'> => ({
  http: composeHttp(values),
  apiKeys: values.API_KEYS ?? [],
  tokenSecret: values.TOKEN_SECRET ?? randomBytes(32).toString('base64url'),
  demo: values.DEMO ?? values.API_KEYS === undefined,
  media: {
    workers: required(values.MEDIA_WORKERS),
    ...(values.MEDIA_PORT !== undefined && { port: values.MEDIA_PORT }),
    ...(values.MEDIA_ANNOUNCED_ADDRESS !== undefined && { announcedAddress: values.MEDIA_ANNOUNCED_ADDRESS }),
    iceServers: required(values.ICE_SERVERS),
  },
  voice: {
    workers: required(values.WORKER_POOL_SIZE),
    maxSessionsPerWorker: required(values.MAX_SESSIONS_PER_WORKER),
    heartbeatIntervalMs: required(values.WORKER_HEARTBEAT_INTERVAL) * 1000,
    ...(values.JOURNAL_DIR !== undefined && { journalFolder: values.JOURNAL_DIR }),
  },
  sessionTimeoutMs: required(values.SESSION_TIMEOUT) * 1000,
  maxQueuedSessions: required(values.MAX_QUEUED_SESSIONS),
  signallingTransports: required(values.SIGNALLING_TRANSPORTS),
  ...composeRedis(values),
  ...(values.POD_ID !== undefined && { podId: values.POD_ID }),
  agents: composeAgents(values),
  ...(values.WEBHOOK_URL !== undefined && {
    webhook: { url: values.WEBHOOK_URL, secret: required(values.WEBHOOK_SECRET) },
  }),
  vendors: vendorAccessOf(values),
  models: defaultModelsOf(values),
  logLevel: required(values.LOG_LEVEL),
  drainTimeoutMs: required(values.DRAIN_TIMEOUT_MS),
});

const composeHttp = (values: SettingValues): Config['http'] => ({
  port: required(values.PORT),
  host: values.HOST ?? (values.API_KEYS === undefined ? '127.0.0.1' : '0.0.0.0'),
  ...(values.PUBLIC_URL !== undefined && { publicUrl: values.PUBLIC_URL.replace(/\/+$/, '') }),
  allowedOrigins: values.ALLOWED_ORIGINS ?? [],
  ...(values.TLS_CERT !== undefined &&
    values.TLS_KEY !== undefined && { tls: { certPath: values.TLS_CERT, keyPath: values.TLS_KEY } }),
});

const composeAgents = (values: SettingValues): Config['agents'] => ({
  folder: required(values.AGENTS_DIR),
  ...(values.DEFAULT_AGENT !== undefined && { defaultName: values.DEFAULT_AGENT }),
  ...(canConverse(vendorAccessOf(values), defaultModelsOf(values)) && { preferredName: 'assistant' }),
  secrets: required(values.AGENT_SECRETS),
  ...(values.AGENT_CONFIG_URL !== undefined && {
    backend: {
      url: values.AGENT_CONFIG_URL,
      secret: required(values.AGENT_CONFIG_SECRET),
      sharedTtlMs: required(values.REDIS_CACHE_TTL) * 1000,
    },
  }),
});

const composeRedis = (values: SettingValues): Pick<Config, 'redis'> => {
  const target = values.REDIS_URL ?? values.REDIS_SENTINEL_URL;
  if (target === undefined) return {};
  const redis = {
    target,
    queue: required(values.REDIS_SESSION_QUEUE),
    replyChannel: required(values.REDIS_WORKER_RESPONSE_QUEUE),
    sessionTtlMs: required(values.REDIS_SESSION_TTL) * 1000,
  };
  return { redis };
};

const noticesOf = (values: SettingValues): string[] => [
  ...(values.API_KEYS === undefined ? ['API_KEYS is not set: only this machine is served, and it needs no key.'] : []),
  ...(values.TOKEN_SECRET === undefined
    ? ['TOKEN_SECRET is not set: a random one is used, so tokens become invalid when this process ends.']
    : []),
  ...(values.API_KEYS !== undefined && values.DEMO === true
    ? ['DEMO is on: anybody who can reach this server may talk to the default agent.']
    : []),
];

/** A setting with a fallback always has a value; the type cannot tell. */
const required = <Value>(value: Value | undefined): Value => {
  if (value === undefined) throw new TypeError('A setting without a fallback was taken for one with it.');
  return value;
};

const deepFreeze = <Value extends object>(value: Value): Value => {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner);
  return Object.freeze(value);
};
