import type { Restored } from '../signalling/call-control.ts';
import type { Continuation } from '../signalling/session-store.ts';
import type { SessionRecord } from '../signalling/session.ts';
import type { Agents, SessionAgent } from './agents.ts';

/** The agent of each call of this pod: a call keeps the configuration that it began with. */
export class CallAgents {
  readonly #agents: Agents;
  readonly #begun = new Map<string, Promise<SessionAgent>>();
  readonly #versions = new Map<string, string>();

  constructor(agents: Agents) {
    this.#agents = agents;
  }

  /** @param restored how the call stood elsewhere: the agent's version there goes before the one of the session's start */
  async take(session: SessionRecord, restored: Restored | undefined): Promise<SessionAgent> {
    const { id } = session;
    const version = restored?.continuation?.['agentVersion'];
    const request = typeof version === 'string' ? { ...session, agentVersion: version } : session;
    const taken = this.#begun.get(id) ?? this.#agents.forCall(request);
    this.#begun.set(id, taken);
    try {
      const agent = await taken;
      this.#versions.set(id, agent.version);
      return agent;
    } catch (error) {
      this.free(id);
      throw error;
    }
  }

  /** Tells whoever goes on with the call which version it was. */
  stamp(id: string, continuation: Continuation): Continuation {
    const agentVersion = this.#versions.get(id);
    return agentVersion === undefined ? continuation : { ...continuation, agentVersion };
  }

  /** The call has ended. Idempotent. */
  free(id: string): void {
    this.#begun.delete(id);
    this.#versions.delete(id);
  }
}
