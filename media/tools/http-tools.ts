/**
 * Tools that are HTTP requests, for all calls of a worker: connections are kept and shared, and a host that is down is left
 * alone for a while.
 */
import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import {
  circuitBreaker,
  ConsecutiveBreaker,
  DelegateBackoff,
  handleWhen,
  isBrokenCircuitError,
  retry,
} from 'cockatiel';
import { LRUCache } from 'lru-cache';
import type { HttpTool } from '../agent/tool-schema.ts';
import { AddressGuard, type AddressGuardOptions } from './address-guard.ts';
import { exchange, type Exchange } from './http-exchange.ts';
import { redactor } from './redaction.ts';
import { renderJson, renderOptional, renderUrl, type TemplateValues } from './template.ts';
import { ToolError } from './tool-error.ts';

export type HttpToolsOptions = {
  addresses?: AddressGuardOptions;
  /** Tries of a tool that may be tried again. Default 3. */
  tries?: number;
  /** Wait before the second try; it doubles with each one. Default 200 ms. */
  retryAfterMs?: number;
  /** Faults of a host in a row that open its circuit. Default 5. */
  circuitFailures?: number;
  /** For how long nothing is asked of it then. Default 10,000 ms. */
  circuitOpenMs?: number;
};

const TRIES = 3;
const RETRY_AFTER_MS = 200;
const CIRCUIT_FAILURES = 5;
const CIRCUIT_OPEN_MS = 10_000;
/** Hosts whose state is kept. One more: the one that was asked longest ago starts anew. */
const MAX_HOSTS = 1_000;
const IDLE_SOCKET_MS = 15_000;

export class HttpTools {
  readonly #options: HttpToolsOptions;
  readonly #guard: AddressGuard;
  readonly #agents = {
    http: new Agent({ keepAlive: true, timeout: IDLE_SOCKET_MS, maxFreeSockets: 64 }),
    https: new SecureAgent({ keepAlive: true, timeout: IDLE_SOCKET_MS, maxFreeSockets: 64 }),
  };
  readonly #circuits = new LRUCache<string, ReturnType<typeof circuitBreaker>>({ max: MAX_HOSTS });

  constructor(options: HttpToolsOptions = {}) {
    this.#options = options;
    this.#guard = new AddressGuard(options.addresses);
  }

  /**
   * @param callKey names the call once and for all: sent to servers that know how to do a thing once
   * @returns the answer: JSON where it is some, else text, without the secrets that were sent
   * @throws {ToolError} where it failed, also without them; the signal's reason when it aborts
   */
  async run(tool: HttpTool, values: TemplateValues, callKey: string, signal: AbortSignal): Promise<unknown> {
    const redact = redactor(values.secrets);
    const asked = requestOf(tool, values, callKey);
    try {
      const text = await this.#send(asked, tool.idempotent ? (this.#options.tries ?? TRIES) : 1, signal);
      return parsed(redact(text));
    } catch (error) {
      if (isBrokenCircuitError(error)) {
        throw new ToolError('circuit_open', 'The server has failed several times and is not asked for a while.');
      }
      if (!(error instanceof ToolError) || typeof error.detail !== 'string') throw error;
      const { code, message, status, detail } = error;
      throw new ToolError(code, message, { ...(status !== undefined && { status }), detail: parsed(redact(detail)) });
    }
  }

  /** Ends what is under way. Idempotent. */
  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  #send(asked: Exchange, tries: number, signal: AbortSignal): Promise<string> {
    const parts = { guard: this.#guard, agents: this.#agents };
    const circuit = this.#circuitOf(asked.url.host);
    const once = () => circuit.execute(({ signal: own }) => exchange(asked, parts, own), signal);
    if (tries <= 1) return once();
    const firstMs = this.#options.retryAfterMs ?? RETRY_AFTER_MS;
    const policy = retry(handleWhen(isPassing), {
      maxAttempts: tries - 1,
      backoff: new DelegateBackoff(({ attempt, result }) => {
        const error = 'error' in result ? result.error : undefined;
        return Math.max(firstMs * 2 ** (attempt - 1), error instanceof ToolError ? (error.retryAfterMs ?? 0) : 0);
      }),
    });
    return policy.execute(once, signal);
  }

  #circuitOf(host: string): ReturnType<typeof circuitBreaker> {
    const known = this.#circuits.get(host);
    if (known) return known;
    const circuit = circuitBreaker(handleWhen(isOfTheHost), {
      breaker: new ConsecutiveBreaker(this.#options.circuitFailures ?? CIRCUIT_FAILURES),
      halfOpenAfter: this.#options.circuitOpenMs ?? CIRCUIT_OPEN_MS,
    });
    this.#circuits.set(host, circuit);
    return circuit;
  }
}

function requestOf(tool: HttpTool, values: TemplateValues, callKey: string): Exchange {
  const url = renderUrl(tool.url, values);
  for (const [name, template] of Object.entries(tool.query)) {
    const value = renderOptional(template, values);
    if (value !== undefined) url.searchParams.set(name, value);
  }
  const headers: Record<string, string> = { accept: 'application/json', 'accept-encoding': 'identity' };
  if (!tool.idempotent) headers['idempotency-key'] = callKey;
  const { method, maxResponseBytes } = tool;
  const body =
    tool.body === undefined ? (method === 'GET' ? undefined : values.arguments) : renderJson(tool.body, values);
  if (body !== undefined) headers['content-type'] = 'application/json';
  for (const [name, template] of Object.entries(tool.headers)) {
    const value = renderOptional(template, values);
    if (value !== undefined) headers[name.toLowerCase()] = value;
  }
  return { method, url, headers, maxResponseBytes, ...(body !== undefined && { body: JSON.stringify(body) }) };
}

/** Faults that pass: another try may find them gone. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof ToolError)) return false;
  return error.code === 'unreachable' || (error.code === 'refused' && [429, 502, 503, 504].includes(error.status ?? 0));
}

/** Faults that another tool of this host would meet, too: not what was asked, nor that nobody waits any more. */
function isOfTheHost(error: unknown): boolean {
  if (!(error instanceof ToolError)) return false;
  return ['unreachable', 'timed_out'].includes(error.code) || (error.code === 'refused' && (error.status ?? 0) >= 500);
}

function parsed(text: string): unknown {
  if (text.trim() === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
