/** Bytes on a connection to the HTTP server: requests of all routes, nearly right and not at all. */
import { connect } from 'node:net';
import * as fc from 'fast-check';
import { startTestServer } from '../../support/running-server.ts';
import type { TestServer } from '../../support/running-server.ts';
import { asText, expectUnpolluted, type FuzzTarget, inTime, ODD_VALUES } from '../fuzz-target.ts';

const KEY = 'an-api-key-of-some-length';
const ID = '3f0d9b0e-8f0a-4c8e-9a53-0d9a3d3f7a11';
const PATHS = [
  '/', '/v2/sessions', `/v2/sessions/${ID}`, `/v2/sessions/${ID}/transcript`, `/v2/sessions/${ID}/token`, '/v2/agents',
  '/v2/drain', '/health', '/health/ready', '/metrics', '/openapi.json', '/sdk/parley.js', '/demo/session', '/socket.io/',
  '/../../etc/passwd', '/%2e%2e/package.json', '/sdk/..%2f..%2fpackage.json', '/%', '/\u00ff', '//evil.example/', '/a'.repeat(500),
]; // prettier-ignore
const QUERIES = [
  '', '?limit=5', '?limit=1e9', '?limit=-1&limit=2', '?cursor=AAAA', '?cursor=%00', '?state=live', '?__proto__[polluted]=1',
  '?EIO=4&transport=polling', '?EIO=4&transport=websocket&sid=x', `?${'a=1&'.repeat(500)}`,
]; // prettier-ignore
const HEADERS = [
  'Content-Type: application/json', 'Content-Type: text/plain', `Authorization: Bearer ${KEY}`, 'Authorization: Bearer x',
  'Origin: http://evil.example', 'Origin: null', 'Transfer-Encoding: chunked', 'Content-Length: 5', 'Content-Encoding: gzip',
  'Expect: 100-continue', 'If-None-Match: *', 'X-Forwarded-For: 1.2.3.4', 'Connection: Upgrade', 'Upgrade: websocket',
  'Sec-WebSocket-Key: x', 'Sec-WebSocket-Version: 13', `X-Long: ${'x'.repeat(9_000)}`, 'Accept: */*',
]; // prettier-ignore
const BODIES: readonly unknown[] = [
  {}, { agent: 'parrot' }, { metadata: { a: 1 } }, { variables: { a: 'b' } }, { agent: '__proto__' },
  { overrides: { greeting: 'hi', turnHandling: { endpointing: { threshold: 1e308 } } } },
]; // prettier-ignore

const requests = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PUT', 'TRACE', 'CONNECT'),
    path: fc.constantFrom(...PATHS),
    query: fc.constantFrom(...QUERIES),
    host: fc.constantFrom('127.0.0.1', 'localhost', 'evil.example', ''),
    authorised: fc.boolean(),
    headers: fc.uniqueArray(fc.constantFrom(...HEADERS), { maxLength: 4 }),
    body: fc.oneof(fc.constantFrom(...BODIES), fc.constantFrom(...ODD_VALUES), fc.jsonValue()),
  })
  .map(({ method, path, query, host, authorised, headers, body }) => {
    const text = method === 'GET' || method === 'HEAD' ? '' : JSON.stringify(body);
    const fixed = [`Host: ${host}`, ...(authorised ? [`Authorization: Bearer ${KEY}`] : [])];
    const length = text ? ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(text)}`] : [];
    return [`${method} ${path}${query} HTTP/1.1`, ...fixed, ...length, ...headers, '', text].join('\r\n');
  });

export async function openHttp(): Promise<FuzzTarget> {
  const server = await startTestServer({ API_KEYS: KEY, SESSION_TIMEOUT: '60' });
  return {
    inputs: asText(requests),
    words: ['\r\n', '\r\n\r\n', ' HTTP/1.1', ...HEADERS, ...ODD_VALUES.map((odd) => JSON.stringify(odd))],
    run: async (input) => {
      const answer = await inTime(exchange(server.port, input), 'the end of a connection');
      const status = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 'nothing';
      const error = server.log.lines.find(({ level }) => level === 'error');
      server.log.lines.length = 0;
      server.calls.asked.length = 0;
      if (error) throw new Error(`${error.message}: ${String((error.details as { err?: Error }).err?.stack)}`);
      if (status === '500') throw new Error('a status of 500');
      if (/root:.:0|"devDependencies"/.test(answer)) throw new Error('a file that nobody may see');
      expectUnpolluted();
      for (const [, id] of answer.matchAll(/"id":"([\w-]{36})"/g)) await end(server, id!);
      return `${status} ${/"code":"(\w+)"/.exec(answer)?.[1] ?? ''}`;
    },
    close: () => server.close(),
  };
}

async function end({ request }: TestServer, id: string): Promise<void> {
  await request('DELETE', `/v2/sessions/${id}`, undefined, { Authorization: `Bearer ${KEY}` });
}

/** Sends all of it, and half-closes; resolves to what came back. */
function exchange(port: number, input: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.end(input));
    // A stream that goes on has said enough.
    const patience = setTimeout(() => socket.destroy(), 3_000);
    socket.setEncoding('latin1');
    socket.on('data', (text) => (answer = answer.length < 100_000 ? answer + String(text) : answer));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(patience);
      resolve(answer);
    });
  });
}
