import { LRUCache } from 'lru-cache';
import type { LoadedAgent } from './agent-definition.ts';

/** Larger: calls that move find older configurations; each is a few kilobytes. */
const KEPT = 1_000;

/** The definitions that were used of late: a call that goes on here after all goes on with the one that it began with. */
export class AgentVersions {
  readonly #kept = new LRUCache<string, LoadedAgent>({ max: KEPT });

  keep(agent: LoadedAgent): void {
    this.#kept.set(`${agent.definition.name}@${agent.version}`, agent);
  }

  find(name: string, version: string): LoadedAgent | undefined {
    return this.#kept.get(`${name}@${version}`);
  }
}
