/** Builds what agents come from. */
import { stagesOf } from '../media/providers/agent-stages.ts';
import type { Log } from '../signalling/log.ts';
import type { SharedCache } from '../signalling/shared-cache.ts';
import { AgentBackend } from './agent-backend.ts';
import { AgentBackendClient } from './agent-backend-client.ts';
import { AgentFilesInvalid } from './agent-errors.ts';
import { AgentFiles } from './agent-files.ts';
import { Agents } from './agents.ts';
import type { Config } from './config.ts';
import { SharedAnswers } from './shared-answers.ts';

export type AgentPartsOptions = {
  config: Pick<Config, 'agents' | 'vendors' | 'models'>;
  podId: string;
  /** Of all pods; absent: this pod is alone. */
  cache?: SharedCache;
  log: Log;
  nowMs: () => number;
};

/** How long an answer of the backend is used before it is asked for again. */
const FRESH_MS = 300_000;

/**
 * Files are followed until `started` is closed.
 * @throws {AgentFilesInvalid | AgentUnavailable} for what an operator can mend
 */
export const createAgents = async (options: AgentPartsOptions, started: AsyncDisposableStack): Promise<Agents> => {
  const { config, log, nowMs } = options;
  const { folder, secrets, defaultName, preferredName, backend: backendConfig } = config.agents;
  const files = started.adopt(await AgentFiles.open({ folder, secrets, log, nowMs }), (open) => open.close());
  if (defaultName !== undefined && !backendConfig && !files.find(defaultName)) {
    throw new AgentFilesInvalid([`DEFAULT_AGENT=${defaultName}: there is no agent of this name in ${folder}`]);
  }
  await files.follow();
  const backend = backendConfig && createBackend(backendConfig, options);
  const agents = new Agents({
    files,
    secrets,
    log,
    ...(defaultName && { defaultName }),
    ...(preferredName && { preferredName }),
    ...(backend && { backend }),
    checkProviders: (agent) => {
      if (agent.responder === 'llm') stagesOf(agent, config.vendors, config.models);
    },
  });
  for (const unavailable of agents.unavailable) {
    if (unavailable.agent === agents.defaultName) throw unavailable;
    log.info({ code: unavailable.code }, unavailable.message);
  }
  return agents;
};

const createBackend = (
  { url, secret, sharedTtlMs }: NonNullable<Config['agents']['backend']>,
  { config, podId, cache, log, nowMs }: AgentPartsOptions,
): AgentBackend => {
  const client = new AgentBackendClient({ url, secret, podId, secrets: config.agents.secrets, nowMs });
  const shared = cache && new SharedAnswers({ cache, secret, ttlMs: sharedTtlMs, log });
  return new AgentBackend({ client, ...(shared && { shared }), ttlMs: FRESH_MS, log, nowMs });
};
