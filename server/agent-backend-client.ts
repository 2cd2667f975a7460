/** Asks a backend for one agent's configuration: one answer, or one error, that carries nothing of what was answered. */
import { brokenCircuit, requestPolicy } from './request-policy.ts';
import { checkDefinition, isObject, merge } from './agent-definition.ts';
import type { LoadedAgent, Secrets } from './agent-definition.ts';
import { ServiceToken } from './service-token.ts';

export type AgentBackendClientOptions = {
  /** Without a slash at the end. */
  url: string;
  /** Signs the tokens that it is asked with. */
  secret: string;
  podId: string;
  /** Those of this server, which a configuration may name. */
  secrets: Secrets;
  /** How long one of the at most two requests may take. Default 2,000 ms. */
  timeoutMs?: number;
  nowMs: () => number;
};

export type BackendFault =
  | 'unreachable'
  | 'timed_out'
  /** It failed of late, and is left alone for a moment. */
  | 'circuit_open'
  /** It does not take this server's token. */
  | 'unauthorized'
  | 'failed'
  /** What it answered is no agent. */
  | 'invalid_answer';

/** The backend gave no configuration. The message says what to do; nothing of the answer is in it. */
export class AgentBackendError extends Error {
  override readonly name = 'AgentBackendError';
  readonly code: BackendFault;

  constructor(code: BackendFault, message: string) {
    super(message);
    this.code = code;
  }
}

/** An agent, and what the backend said of it. */
export type BackendAnswer = { agent: LoadedAgent; body: object };

export const BACKEND_AUDIENCE = 'parley:agent-config';
const TIMEOUT_MS = 2_000;
/** Far more than any agent has. Without an end, two seconds of a fast answer would fill the memory. */
const MAX_ANSWER_BYTES = 1_048_576;

export class AgentBackendClient {
  readonly #options: AgentBackendClientOptions;
  readonly #token: ServiceToken;
  readonly #policy: ReturnType<typeof requestPolicy>;

  constructor(options: AgentBackendClientOptions) {
    const { secret, podId, nowMs, timeoutMs = TIMEOUT_MS } = options;
    this.#options = options;
    this.#token = new ServiceToken({ secret, podId, audience: BACKEND_AUDIENCE, nowMs });
    this.#policy = requestPolicy({ timeoutMs, isOutage });
  }

  /** Whether it is left alone since it failed. */
  get away(): boolean {
    return this.#policy.isOpen();
  }

  /**
   * @returns undefined where the backend says that there is no such agent
   * @throws {AgentBackendError}
   */
  async fetch(agent: string, campaign: string | undefined): Promise<BackendAnswer | undefined> {
    try {
      return await this.#policy.execute((signal) => this.#ask(agent, campaign, signal));
    } catch (error) {
      if (error instanceof AgentBackendError) throw error;
      if (brokenCircuit(error)) throw new AgentBackendError('circuit_open', 'it failed just now and is left alone');
      throw new AgentBackendError('timed_out', 'it does not answer in time');
    }
  }

  async #ask(agent: string, campaign: string | undefined, signal: AbortSignal): Promise<BackendAnswer | undefined> {
    const response = await this.#request(agent, campaign, signal);
    const { status } = response;
    const body = await readJson(response, signal);
    // A balancer without a server behind it says 404, too, but not in JSON.
    if (status === 404 && body !== undefined) return undefined;
    if (status === 401 || status === 403) {
      throw new AgentBackendError('unauthorized', `it answered ${status}: does it know AGENT_CONFIG_SECRET?`);
    }
    if (status !== 200) throw new AgentBackendError('failed', `it answered ${status}`);
    if (!isObject(body)) throw new AgentBackendError('invalid_answer', 'its answer is no JSON object');
    return { agent: this.read(agent, body), body };
  }

  async #request(agent: string, campaign: string | undefined, signal: AbortSignal): Promise<Response> {
    const query = campaign === undefined ? '' : `?campaignId=${encodeURIComponent(campaign)}`;
    const url = `${this.#options.url}/api/v1/agents/${encodeURIComponent(agent)}/runtime-config${query}`;
    const headers = { Authorization: `Bearer ${await this.#token.current()}`, Accept: 'application/json' };
    try {
      return await fetch(url, { headers, signal, redirect: 'error' });
    } catch (error) {
      if (signal.aborted) throw error;
      throw new AgentBackendError('unreachable', 'it cannot be reached');
    }
  }

  /**
   * @param body `{ agent, campaignOverrides? }`: what a file would say, and what the campaign changes in it
   * @throws {AgentBackendError} `invalid_answer`
   */
  read(name: string, body: object): LoadedAgent {
    const { agent, campaignOverrides = {} } = body as { agent?: unknown; campaignOverrides?: unknown };
    if (!isObject(agent)) throw new AgentBackendError('invalid_answer', 'its answer has no object "agent"');
    if (!isObject(campaignOverrides)) {
      throw new AgentBackendError('invalid_answer', 'its campaignOverrides are no object');
    }
    const { agent: loaded, problems } = checkDefinition(
      { ...merge(agent, campaignOverrides), name },
      this.#options.secrets,
    );
    if (loaded === undefined) throw new AgentBackendError('invalid_answer', problems.join('; '));
    return loaded;
  }
}

/** An agent that is written wrongly says nothing about the others. */
const isOutage = (error: unknown): boolean => !(error instanceof AgentBackendError && error.code === 'invalid_answer');

/** undefined: it is no JSON. What the parser says of it would quote it. */
const readJson = async (response: Response, signal: AbortSignal): Promise<unknown> => {
  try {
    return JSON.parse(await readText(response)) as unknown;
  } catch (error) {
    if (signal.aborted || error instanceof AgentBackendError) throw error;
    return undefined;
  }
};

/** Counted as it is after unpacking: a few kilobytes can be made to unpack to gigabytes. */
const readText = async ({ body }: Response): Promise<string> => {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop cancels the rest.
  for await (const piece of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += piece.length;
    if (bytes > MAX_ANSWER_BYTES) {
      throw new AgentBackendError('invalid_answer', `its answer is longer than ${MAX_ANSWER_BYTES} bytes`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
};
