/** Amazon Bedrock's ConverseStream: requests signed with SigV4, answers as AWS event stream messages. */
import { createHash, createHmac } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Dialect, ModelReply, Problem } from './dialect.ts';
import { SERVER_MODEL } from './dialect.ts';
import type { VendorRequest } from './vendor-server.ts';

export const BEDROCK_ACCESS = { region: 'us-east-1', accessKeyId: 'AKIATEST', secretAccessKey: 'bedrock-secret' };

export const bedrockDialect: Dialect = {
  contentType: 'application/vnd.amazon.eventstream',
  check: (request, body) => {
    const found = /^\/model\/([^/]+)\/converse-stream$/.exec(request.url.pathname);
    if (!found) return { status: 404, message: 'no such path' };
    const problem = signatureProblem(request);
    if (problem) return problem;
    if (decodeURIComponent(found[1]!) !== SERVER_MODEL) {
      return { status: 400, message: 'The provided model identifier is invalid.' };
    }
    const messages = body['messages'] as { role: string }[] | undefined;
    if (messages?.[0]?.role !== 'user')
      return { status: 400, message: 'A conversation must start with a user message.' };
    return undefined;
  },
  pieces: conversePieces,
  malformed: eventMessage('contentBlockDelta', '{"contentBlockIndex":'),
  refusal: ({ message }) => JSON.stringify({ message }),
};

/** Signature version 4 over what the request itself says it has signed. */
function signatureProblem({ message, url, body }: VendorRequest): Problem | undefined {
  const header = message.headers.authorization ?? '';
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8}\/[^/]+\/bedrock\/aws4_request), SignedHeaders=([^,]+), Signature=([0-9a-f]+)$/.exec(
      header,
    );
  const problem = { status: 403, message: 'The security token included in the request is invalid.' };
  if (!found || found[1] !== BEDROCK_ACCESS.accessKeyId) return problem;
  const [, , scope = '', signed = '', signature] = found;
  const headers = signed.split(';').map((name) => `${name}:${String(message.headers[name] ?? '').trim()}\n`);
  // The path is encoded once more than it travels.
  const path = url.pathname.split('/').map(encodeURIComponent).join('/');
  const canonical = [message.method, path, '', headers.join(''), signed, sha256(body)].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', message.headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const key = scope
    .split('/')
    .reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${BEDROCK_ACCESS.secretAccessKey}`);
  return hmac(key, toSign).toString('hex') === signature
    ? undefined
    : { status: 403, message: 'The request signature we calculated does not match' };
}

function sha256(value: string | Buffer): string {
  return createHash('sha256').update(value).digest('hex');
}

function hmac(key: string | Buffer, value: string): Buffer {
  return createHmac('sha256', key).update(value).digest();
}

function conversePieces({ text, calls = [], cutOff }: ModelReply): Buffer[] {
  const reason = cutOff ? 'max_tokens' : calls.length > 0 ? 'tool_use' : 'end_turn';
  const event = (type: string, fields: object) => eventMessage(type, JSON.stringify(fields));
  return [
    event('messageStart', { role: 'assistant' }),
    ...text.map((piece) => event('contentBlockDelta', { contentBlockIndex: 0, delta: { text: piece } })),
    ...(text.length > 0 ? [event('contentBlockStop', { contentBlockIndex: 0 })] : []),
    ...calls.flatMap((call, index) => [
      event('contentBlockStart', {
        contentBlockIndex: index + 1,
        start: { toolUse: { toolUseId: call.id, name: call.name } },
      }),
      event('contentBlockDelta', { contentBlockIndex: index + 1, delta: { toolUse: { input: call.arguments } } }),
      event('contentBlockStop', { contentBlockIndex: index + 1 }),
    ]),
    event('messageStop', { stopReason: reason }),
    event('metadata', { usage: { inputTokens: 12, outputTokens: 5, totalTokens: 17 }, metrics: { latencyMs: 10 } }),
  ];
}

/** One message of an AWS event stream: lengths, CRC of these, headers, payload, CRC of all. */
function eventMessage(type: string, payload: string): Buffer {
  const headers = Buffer.concat(
    Object.entries({ ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' }).map(
      ([name, value]) => {
        const head = Buffer.alloc(1 + name.length + 3);
        head.writeUInt8(name.length, 0);
        head.write(name, 1);
        // 7 is the type of strings.
        head.writeUInt8(7, 1 + name.length);
        head.writeUInt16BE(value.length, 2 + name.length);
        return Buffer.concat([head, Buffer.from(value)]);
      },
    ),
  );
  const body = Buffer.from(payload);
  const prelude = Buffer.alloc(12);
  prelude.writeUInt32BE(16 + headers.length + body.length, 0);
  prelude.writeUInt32BE(headers.length, 4);
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8);
  const unsealed = Buffer.concat([prelude, headers, body]);
  const seal = Buffer.alloc(4);
  seal.writeUInt32BE(crc32(unsealed));
  return Buffer.concat([unsealed, seal]);
}
