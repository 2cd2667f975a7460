import { LRUCache } from 'lru-cache';
import type { Log } from '../signalling/log.ts';
import { AgentBackendError } from './agent-backend-client.ts';
import type { AgentBackendClient } from './agent-backend-client.ts';
import type { LoadedAgent } from './agent-definition.ts';
import type { SharedAnswers } from './shared-answers.ts';

export type AgentBackendOptions = {
  client: Pick<AgentBackendClient, 'fetch' | 'read' | 'away'>;
  /** What other pods were answered; absent: this pod is alone. */
  shared?: SharedAnswers;
  /** How long an answer is used before it is asked for again. */
  ttlMs: number;
  log: Log;
  nowMs: () => number;
  /** How long a call waits for news while there is an older answer. Default 200 ms. */
  patienceMs?: number;
};

type Entry = { agent: LoadedAgent; askAgainAtMs: number };

const PATIENCE_MS = 200;
const MAX_ENTRIES = 1_000;
/** After a failure the older answer is used for this long without asking. */
const RETRY_AFTER_MS = 5_000;
/** What may be an agent's id: nothing that could lead elsewhere in the backend's address. */
const AGENT_ID = /^[A-Za-z0-9][\w-]{0,62}$/;

/**
 * The agents of a backend, kept in memory: an answer is used for some minutes, then it is asked for again; where that
 * takes long or fails, the older answer is used, however old. A pod that has none yet looks for one that another pod was
 * given, so that one which starts while the backend is away has the agents, too.
 */
export class AgentBackend {
  readonly #options: AgentBackendOptions;
  readonly #cache = new LRUCache<string, Entry>({ max: MAX_ENTRIES });
  /** One request for each key at a time. */
  readonly #asking = new Map<string, Promise<LoadedAgent | undefined>>();
  /** The same for what is shared. */
  readonly #recalling = new Map<string, Promise<Entry | undefined>>();

  constructor(options: AgentBackendOptions) {
    this.#options = options;
  }

  get away(): boolean {
    return this.#options.client.away;
  }

  /** Answers at hand. */
  get size(): number {
    return this.#cache.size;
  }

  /**
   * @returns undefined where the backend says that there is no such agent
   * @throws {AgentBackendError} where it fails and never answered for this agent and campaign before
   */
  async find(agent: string, campaign: string | undefined): Promise<LoadedAgent | undefined> {
    if (!AGENT_ID.test(agent)) return undefined;
    const { nowMs, patienceMs = PATIENCE_MS } = this.#options;
    const known = this.#cache.get(keyOf(agent, campaign)) ?? (await this.#recall(agent, campaign));
    if (known && known.askAgainAtMs > nowMs()) return known.agent;
    const news = this.#ask(agent, campaign);
    if (known === undefined) return news;
    return soonest(
      news.catch(() => known.agent),
      known.agent,
      patienceMs,
    );
  }

  #recall(agent: string, campaign: string | undefined): Promise<Entry | undefined> {
    const { shared } = this.#options;
    const key = keyOf(agent, campaign);
    const recalling = this.#recalling.get(key);
    if (recalling || shared === undefined) return recalling ?? Promise.resolve(undefined);
    const entry = this.#find(shared, key, agent).finally(() => this.#recalling.delete(key));
    this.#recalling.set(key, entry);
    return entry;
  }

  async #find(shared: SharedAnswers, key: string, agent: string): Promise<Entry | undefined> {
    const { client, ttlMs, nowMs } = this.#options;
    const answer = await shared.find(key);
    if (answer === undefined) return undefined;
    try {
      const loaded = client.read(agent, answer.body);
      // By another pod's clock, which may be ahead.
      const entry = { agent: loaded, askAgainAtMs: Math.min(answer.atMs, nowMs()) + ttlMs };
      this.#cache.set(key, entry);
      return entry;
    } catch {
      // Good for a pod of another version, or with other secrets.
      return undefined;
    }
  }

  #ask(agent: string, campaign: string | undefined): Promise<LoadedAgent | undefined> {
    const key = keyOf(agent, campaign);
    const asking = this.#asking.get(key);
    if (asking) return asking;
    const answer = this.#fetch(key, agent, campaign).finally(() => this.#asking.delete(key));
    this.#asking.set(key, answer);
    // Whoever did not want to wait does not hear of a failure either.
    answer.catch(() => undefined);
    return answer;
  }

  async #fetch(key: string, agent: string, campaign: string | undefined): Promise<LoadedAgent | undefined> {
    const { client, shared, ttlMs, nowMs } = this.#options;
    try {
      const answer = await client.fetch(agent, campaign);
      if (answer === undefined) {
        this.#cache.delete(key);
        void shared?.forget(key);
        return undefined;
      }
      this.#cache.set(key, { agent: answer.agent, askAgainAtMs: nowMs() + ttlMs });
      void shared?.keep(key, { body: answer.body, atMs: nowMs() });
      return answer.agent;
    } catch (error) {
      const known = this.#cache.get(key);
      if (known) known.askAgainAtMs = nowMs() + RETRY_AFTER_MS;
      this.#tell(error, { agent, campaign, kept: known !== undefined });
      throw error;
    }
  }

  #tell(error: unknown, about: { agent: string; campaign: string | undefined; kept: boolean }): void {
    const { log } = this.#options;
    if (!(error instanceof AgentBackendError)) log.error({ ...about, err: error }, 'an agent could not be asked for');
    else if (error.code === 'circuit_open') log.debug(about, 'the backend of agents is left alone for a moment');
    else
      log.warn({ ...about, code: error.code, reason: error.message }, 'the backend gave no configuration of an agent');
  }
}

const keyOf = (agent: string, campaign: string | undefined): string => `${agent}:${campaign ?? ''}`;

const soonest = async <Value>(news: Promise<Value>, known: Value, patienceMs: number): Promise<Value> => {
  const { promise, resolve } = Promise.withResolvers<Value>();
  const timer = setTimeout(() => resolve(known), patienceMs);
  try {
    return await Promise.race([news, promise]);
  } finally {
    clearTimeout(timer);
  }
};
