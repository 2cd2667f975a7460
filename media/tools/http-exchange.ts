/** One HTTP request of a tool: to an address that may be reached, and with an answer of bounded size. No redirects. */
import { request as httpRequest, type Agent, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type Agent as SecureAgent } from 'node:https';
import { retryAfterMs } from '../providers/errors.ts';
import type { AddressGuard } from './address-guard.ts';
import { ToolError } from './tool-error.ts';

export type Exchange = {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body?: string;
  maxResponseBytes: number;
};

export type ExchangeParts = { guard: AddressGuard; agents: { http: Agent; https: SecureAgent } };

/** Of an answer that refuses, as much as tells why. */
const MAX_DETAIL_CHARACTERS = 500;

/**
 * @returns the answer's text
 * @throws {ToolError} where there is none, or it is none of success; the signal's reason when it aborts
 */
export async function exchange(asked: Exchange, parts: ExchangeParts, signal: AbortSignal): Promise<string> {
  parts.guard.check(asked.url);
  const response = await respond(asked, parts, signal);
  const status = response.statusCode ?? 0;
  if (status >= 300 && status < 400) {
    response.destroy();
    // Followed, it would take the tool, and its secrets with it, where whoever answers likes.
    throw new ToolError('redirected', 'The server sends on to another address, which tools do not follow.', { status });
  }
  const text = await read(response, asked.maxResponseBytes, signal);
  if (status >= 200 && status < 300) return text;
  throw new ToolError('refused', `The server answered with HTTP ${status}.`, {
    status,
    detail: text.slice(0, MAX_DETAIL_CHARACTERS),
    retryAfterMs: retryAfterMs(response.headers['retry-after'] ?? null, Date.now()),
  });
}

function respond({ method, url, headers, body }: Exchange, parts: ExchangeParts, signal: AbortSignal) {
  const secure = url.protocol === 'https:';
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  try {
    const options = { method, headers, signal, lookup: parts.guard.lookup };
    const sent = secure
      ? httpsRequest(url, { ...options, agent: parts.agents.https }, resolve)
      : httpRequest(url, { ...options, agent: parts.agents.http }, resolve);
    sent.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : unreachable(error)));
    sent.end(body);
  } catch {
    // What is no header: node tells by throwing. Its message may have the value in it.
    reject(new ToolError('invalid_arguments', 'An argument holds characters that cannot be sent.'));
  }
  return promise;
}

async function read(response: IncomingMessage, maxBytes: number, signal: AbortSignal): Promise<string> {
  const tooLarge = () => new ToolError('too_large', `The answer is longer than ${maxBytes} bytes.`);
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    if (Number(response.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
    for await (const piece of response as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > maxBytes) throw tooLarge();
      pieces.push(piece);
    }
    if (!response.complete) throw unreachable(undefined);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw error instanceof ToolError ? error : unreachable(error);
  } finally {
    response.destroy();
  }
  return decode(Buffer.concat(pieces), response.headers['content-encoding']);
}

function decode(bytes: Buffer, encoding: string | undefined): string {
  try {
    if (encoding !== undefined && encoding !== 'identity') throw new TypeError(encoding);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ToolError('unreadable', 'The answer is no text.');
  }
}

/** Names the kind of fault and neither host nor address. */
function unreachable(error: unknown): ToolError {
  if (error instanceof ToolError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return new ToolError('unreachable', `The server cannot be reached${code && ` (${code})`}.`);
}
