import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AgentBackend } from '../../server/agent-backend.ts';
import { AgentFiles } from '../../server/agent-files.ts';
import { Agents } from '../../server/agents.ts';
import { memoryLog } from './running-server.ts';

export type AgentFolder = Awaited<ReturnType<typeof createAgentFolder>>;

/** A folder of agents' files, and what the server makes of it. */
export const createAgentFolder = async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'parley-agents-'));
  const log = memoryLog();
  const write = (name: string, text: string) => writeFile(path.join(folder, name), text);
  const open = (secrets: Record<string, string> = {}) => AgentFiles.open({ folder, secrets, log, nowMs: Date.now });
  const agents = async (options: { backend?: AgentBackend; secrets?: Record<string, string> } = {}) => {
    const { secrets = {}, backend } = options;
    return new Agents({ files: await open(secrets), secrets, log, ...(backend && { backend }) });
  };
  return { folder, log, write, open, agents, remove: () => rm(folder, { recursive: true, force: true }) };
};
