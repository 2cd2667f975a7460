/** Every setting of the environment, in the order in which it is shown: its schema, default, and words for people. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { parseRedisTarget } from '../signalling/redis-target.ts';
import type { RedisTarget } from '../signalling/redis-target.ts';
import { journalFolder } from './journal-setting.ts';
import { vendorSettings } from './vendor-settings.ts';

export type Setting<Output = unknown> = {
  /** From the variable's text to its value. */
  schema: z.ZodType<Output, string>;
  /** Text that stands in for an absent variable. Without one the setting is off, or decided from others. */
  fallback?: string;
  /** What the README shows where the default is no fixed text. */
  defaultInWords?: string;
  /** What is accepted, for the message that refuses something else. */
  allowed: string;
  meaning: string;
  /** Never printed. */
  secret?: true;
};

export type SignallingTransport = 'websocket' | 'polling';

const setting = <Output>(options: Setting<Output>): Setting<Output> => options;

const integer = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(minimum).max(maximum)) as z.ZodType<number, string>;

const wholeNumber = (minimum: number, maximum: number) => ({
  schema: integer(minimum, maximum),
  allowed: `a whole number from ${minimum} to ${maximum}`,
});

const text = z.string().min(1);
const list = (item: z.ZodType<string, string>): z.ZodType<string[], string> =>
  z
    .string()
    .transform((value) =>
      value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(item).min(1));

const isOrigin = (value: string): boolean => URL.canParse(value) && new URL(value).origin === value;
const isWebUrl = (value: string): boolean => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);

const iceServer = z.strictObject({
  urls: z.union([z.string(), z.array(z.string()).min(1)]),
  username: z.string().optional(),
  credential: z.string().optional(),
});
export type IceServerSetting = { urls: string | string[]; username?: string; credential?: string };

const json = <Output>(schema: z.ZodType<Output>): z.ZodType<Output, string> =>
  z
    .string()
    .transform((value, context): unknown => {
      try {
        return JSON.parse(value);
      } catch {
        context.addIssue({ code: 'custom', message: 'must be JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);

/** Fetch refuses addresses with a user; a query would stand before what is added to the path. */
const serviceUrl = text
  .refine((value) => isWebUrl(value) && !new URL(value).username && !/[?#]/.test(value))
  .transform((value) => value.replace(/\/+$/, ''));

const redisTarget = (...kinds: RedisTarget['kind'][]): z.ZodType<RedisTarget, string> =>
  z.string().transform((value, context) => {
    const target = parseRedisTarget(value);
    if (target !== undefined && kinds.includes(target.kind)) return target;
    context.addIssue({ code: 'custom', message: 'must be the address of a Redis' });
    return z.NEVER;
  });

const cores = String(availableParallelism());
const shippedAgents = fileURLToPath(new URL('../agents', import.meta.url));

export const settings = {
  PORT: setting({
    ...wholeNumber(0, 65_535),
    fallback: '3000',
    meaning: 'Port for HTTP and signalling; 0 picks a free one.',
  }),
  HOST: setting({
    schema: text,
    allowed: 'an address of this machine; without `API_KEYS` a loopback address',
    defaultInWords: '`127.0.0.1`; with `API_KEYS` `0.0.0.0`',
    meaning: 'Address to listen on.',
  }),
  PUBLIC_URL: setting({
    schema: text.refine(isWebUrl),
    allowed: 'a URL with http or https',
    defaultInWords: 'from the request',
    meaning: 'Where clients reach this server, if that is not where it listens (behind a proxy).',
  }),
  API_KEYS: setting({
    schema: list(z.string().min(16)),
    allowed: 'keys of at least 16 characters, separated by commas',
    meaning:
      'Keys for `/v2` and `/metrics`, sent as `Authorization: Bearer`. Without keys, only this machine is served.',
    secret: true,
  }),
  TOKEN_SECRET: setting({
    schema: z.string().min(32),
    allowed: 'at least 32 characters',
    defaultInWords: 'random at each start',
    meaning: 'Signs the tokens that browsers join with.',
    secret: true,
  }),
  ALLOWED_ORIGINS: setting({
    schema: list(z.string().refine((value) => value === '*' || isOrigin(value))),
    allowed: 'origins such as `https://example.com`, separated by commas, or `*`',
    defaultInWords: "the server's own",
    meaning: 'Other origins whose pages may use this server.',
  }),
  TLS_CERT: setting({
    schema: text,
    allowed: 'a path; needs `TLS_KEY`',
    meaning: 'Certificate (PEM) for HTTPS. Browsers on other machines need it for the microphone.',
  }),
  TLS_KEY: setting({ schema: text, allowed: 'a path; needs `TLS_CERT`', meaning: 'Private key (PEM) of `TLS_CERT`.' }),
  DEMO: setting({
    schema: z.enum(['true', 'false']).transform((value) => value === 'true'),
    allowed: '`true` or `false`',
    defaultInWords: '`true`; with `API_KEYS` `false`',
    meaning: 'Lets anybody who can open the page talk to the default agent.',
  }),
  MEDIA_WORKERS: setting({
    ...wholeNumber(1, 256),
    fallback: cores,
    defaultInWords: 'the cores',
    meaning: 'Number of media workers (mediasoup processes).',
  }),
  MEDIA_PORT: setting({
    ...wholeNumber(1, 65_535),
    defaultInWords: 'free ports',
    meaning: 'Port of the first media worker, UDP and TCP; the others take the next ones.',
  }),
  MEDIA_ANNOUNCED_ADDRESS: setting({
    schema: text,
    allowed: 'an address or host name',
    defaultInWords: "this machine's own",
    meaning: 'Where clients reach the media ports, if not at an address of this machine.',
  }),
  ICE_SERVERS: setting({
    schema: json(z.array(iceServer)) as z.ZodType<IceServerSetting[], string>,
    fallback: '[]',
    allowed: 'a JSON array of `{"urls", "username"?, "credential"?}`',
    meaning: 'STUN and TURN servers for browsers.',
    secret: true,
  }),
  WORKER_POOL_SIZE: setting({
    ...wholeNumber(1, 256),
    fallback: cores,
    defaultInWords: 'the cores',
    meaning: 'Number of voice workers (threads).',
  }),
  MAX_SESSIONS_PER_WORKER: setting({
    ...wholeNumber(1, 10_000),
    fallback: '100',
    meaning: 'Most concurrent sessions in one voice worker; more are refused.',
  }),
  WORKER_HEARTBEAT_INTERVAL: setting({
    ...wholeNumber(1, 60),
    fallback: '1',
    meaning: 'Seconds between heartbeats of a voice worker. After two and a half without one, it is replaced.',
  }),
  JOURNAL_DIR: setting(journalFolder),
  SESSION_TIMEOUT: setting({
    ...wholeNumber(10, 604_800),
    fallback: '3600',
    meaning: 'Seconds that a session lives without a connected client.',
  }),
  MAX_QUEUED_SESSIONS: setting({
    ...wholeNumber(0, 100_000),
    fallback: '100',
    meaning: 'How many sessions may wait while all places are taken, in all pods together; more are refused.',
  }),
  SIGNALLING_TRANSPORTS: setting({
    schema: z.enum(['websocket', 'websocket,polling']).transform((value) => value.split(',') as SignallingTransport[]),
    fallback: 'websocket',
    allowed: '`websocket` or `websocket,polling`',
    meaning: 'How clients may connect. Long polling needs a balancer that keeps each client on one pod.',
  }),
  REDIS_URL: setting({
    schema: redisTarget('single', 'cluster'),
    allowed: '`redis[s]://[user:password@]host[:port][/db]` or `redis+cluster://…host[:port][,host[:port]]`',
    meaning: 'The Redis that joins several servers into a fleet and stores their sessions. Needs `TOKEN_SECRET`.',
    secret: true,
  }),
  REDIS_SENTINEL_URL: setting({
    schema: redisTarget('sentinel'),
    allowed: '`redis+sentinel://[user:password@]host[:port][,host[:port]]/master`',
    meaning: 'Instead of `REDIS_URL`: the Sentinels that know which Redis is the master.',
    secret: true,
  }),
  REDIS_SESSION_QUEUE: setting({
    schema: text,
    fallback: 'voice_sessions',
    allowed: 'the name of a key',
    meaning: 'List of sessions that wait for a place.',
  }),
  REDIS_WORKER_RESPONSE_QUEUE: setting({
    schema: text,
    fallback: 'worker_responses',
    allowed: 'the name of a channel',
    meaning: 'Channel on which pods answer each other.',
  }),
  REDIS_SESSION_TTL: setting({
    ...wholeNumber(60, 604_800),
    fallback: '3600',
    meaning: 'Seconds that a session stays in Redis after it has ended or expired.',
  }),
  POD_ID: setting({
    schema: text.regex(/^[\w.-]{1,64}$/),
    allowed: 'up to 64 letters, digits, dots and dashes; unique, and new at each start',
    defaultInWords: 'host name and a random suffix',
    meaning: 'Name of this pod.',
  }),
  ...vendorSettings,
  AGENTS_DIR: setting({
    schema: text,
    fallback: shippedAgents,
    defaultInWords: '`agents`',
    allowed: 'a folder',
    meaning: 'Folder with the agents (`*.yaml`, `*.ts`). It is watched for changes.',
  }),
  DEFAULT_AGENT: setting({
    schema: text,
    allowed: 'the name of an agent',
    defaultInWords: '`assistant` with keys, else `parrot`, or else the first',
    meaning: 'Agent of sessions that name none, and of calls whose own agent is unavailable.',
  }),
  AGENT_SECRETS: setting({
    schema: json(z.record(z.string(), z.string().min(1))),
    fallback: '{}',
    allowed: 'a JSON object of names and values',
    meaning: 'Secrets that agents refer to by name.',
    secret: true,
  }),
  AGENT_CONFIG_URL: setting({
    schema: serviceUrl,
    allowed: 'a URL with http or https, without user or query; needs `AGENT_CONFIG_SECRET`',
    meaning: 'Backend that provides agents for which there is no file ([docs/agents.md](docs/agents.md#a-backend)).',
  }),
  AGENT_CONFIG_SECRET: setting({
    schema: z.string().min(32),
    allowed: 'at least 32 characters',
    meaning: 'Signs the tokens of requests to the backend.',
    secret: true,
  }),
  REDIS_CACHE_TTL: setting({
    ...wholeNumber(1, 86_400),
    fallback: '3600',
    meaning: 'Seconds that Redis keeps an answer of that backend, sealed, for pods that have none yet.',
  }),
  WEBHOOK_URL: setting({
    schema: text.refine((value) => isWebUrl(value) && !new URL(value).username),
    allowed: 'a URL with http or https; needs `WEBHOOK_SECRET`',
    meaning: 'Gets a request for each session that ends ([docs/webhook.md](docs/webhook.md)).',
    secret: true,
  }),
  WEBHOOK_SECRET: setting({
    schema: z.string().min(32),
    allowed: 'at least 32 characters',
    meaning: 'Signs the requests to `WEBHOOK_URL`.',
    secret: true,
  }),
  LOG_LEVEL: setting({
    schema: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    fallback: 'info',
    allowed: '`fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`',
    meaning: 'Least severe level that is logged.',
  }),
  DRAIN_TIMEOUT_MS: setting({
    ...wholeNumber(0, 3_600_000),
    fallback: '10000',
    meaning: 'How long a shutdown waits for conversations to end, in ms.',
  }),
};

export type SettingName = keyof typeof settings;

/** The values as parsed, absent ones left out. */
export type SettingValues = {
  [Name in SettingName]: (typeof settings)[Name] extends Setting<infer Output> ? Output | undefined : never;
};
