import { readConfig } from '../../server/config.ts';
import type { Environment } from '../../server/config.ts';
import { startServer } from '../../server/server.ts';
import type { RunningServer } from '../../server/server.ts';
import type { Log } from '../../signalling/log.ts';
import { FakeCalls } from './fake-calls.ts';

export type LoggedLine = { level: 'debug' | 'info' | 'warn' | 'error'; details: object; message: string };

/** A log that keeps its lines, so that a test can see what an operator would. */
export const memoryLog = (): Log & { lines: LoggedLine[] } => {
  const lines: LoggedLine[] = [];
  const write = (level: LoggedLine['level']) => (details: object, message: string) =>
    void lines.push({ level, details, message });
  return { lines, debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
};

export type TestServer = RunningServer & {
  calls: FakeCalls;
  log: ReturnType<typeof memoryLog>;
  origin: string;
  /** Open signalling connections, as `/health` tells. */
  connections: () => Promise<number>;
  /** Sends JSON and reads JSON. */
  request: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;
  /** Opens a session and returns its id and token. */
  open: (body?: object) => Promise<{ id: string; token: string }>;
};

/** Any of the server's answers; a test reads the fields that its answer has. */
export type AnswerBody = {
  id: string;
  agent: string;
  state: string;
  pod: string;
  token: string;
  expiresAt: number;
  timeoutAt: number;
  url: string;
  endReason: string;
  metadata: Record<string, unknown>;
  status: string;
  active_sessions: number;
  active_connections: number;
  peer_connections: number;
  error: { code: string; message: string };
  sessions: AnswerBody[];
  nextCursor?: string;
  entries: { turnId: string; role: string; text: string }[];
};

export type Answer = { status: number; headers: Headers; text: string; body: AnswerBody };

/** The real server on a free loopback port, with a media side that has no media. */
export const startTestServer = async (environment: Environment = {}): Promise<TestServer> => {
  const calls = new FakeCalls();
  const log = memoryLog();
  const config = readConfig({ PORT: '0', DRAIN_TIMEOUT_MS: '0', ...environment });
  const server = await startServer({ config, createCalls: async () => calls, log });
  const origin = `http://127.0.0.1:${server.port}`;
  const request: TestServer['request'] = async (method, path, body, headers = {}) => {
    const response = await fetch(origin + path, {
      method,
      headers: { ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('application/json');
    const answered = (isJson ? JSON.parse(text) : {}) as AnswerBody;
    return { status: response.status, headers: response.headers, text, body: answered };
  };
  const key = environment['API_KEYS']?.split(',')[0];
  const open: TestServer['open'] = async (body = {}) =>
    (await request('POST', '/v2/sessions', body, key ? { Authorization: `Bearer ${key}` } : {})).body;
  const connections = async () => (await request('GET', '/health')).body.active_connections;
  return { ...server, calls, log, origin, request, open, connections };
};
