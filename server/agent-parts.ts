/** Builds what agents come from. */
import { stagesOf } from '../media/providers/agent-stages.ts';
import type { Log } from '../signalling/log.ts';
import { AgentBackend } from './agent-backend.ts';
import { AgentBackendClient } from './agent-backend-client.ts';
import { AgentFilesInvalid } from './agent-errors.ts';
import { AgentFiles } from './agent-files.ts';
import { Agents } from './agents.ts';
import type { Config } from './config.ts';

export type AgentPartsOptions = {
  config: Pick<Config, 'agents' | 'vendors' | 'models'>;
  podId: string;
  log: Log;
  nowMs: () => number;
};

/**
 * Files are followed until `started` is closed.
 * @throws {AgentFilesInvalid | AgentUnavailable} for what an operator can mend
 */
export const createAgents = async (
  { config, podId, log, nowMs }: AgentPartsOptions,
  started: AsyncDisposableStack,
): Promise<Agents> => {
  const { folder, secrets, defaultName, preferredName, backend: backendConfig } = config.agents;
  const files = started.adopt(await AgentFiles.open({ folder, secrets, log, nowMs }), (open) => open.close());
  if (defaultName !== undefined && !backendConfig && !files.find(defaultName)) {
    throw new AgentFilesInvalid([`DEFAULT_AGENT=${defaultName}: there is no agent of this name in ${folder}`]);
  }
  await files.follow();
  const backend = backendConfig && createBackend(backendConfig, { config, podId, log, nowMs });
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
  { url, secret, ttlMs }: NonNullable<Config['agents']['backend']>,
  { config, podId, log, nowMs }: AgentPartsOptions,
): AgentBackend => {
  const client = new AgentBackendClient({ url, secret, podId, secrets: config.agents.secrets, nowMs });
  return new AgentBackend({ client, ttlMs, log, nowMs });
};
