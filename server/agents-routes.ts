import { Router } from '@koa/router';
import { z } from 'zod';
import type { Agents } from './agents.ts';
import { requireApiKey } from './api-keys.ts';
import { reply } from './validation.ts';

export const agentList = z
  .object({
    agents: z
      .array(
        z.object({
          file: z.string().describe('In `AGENTS_DIR`.'),
          name: z.string().optional().describe('Absent: the file has never been usable.'),
          description: z.string().optional(),
          version: z.string().optional().describe('Changes with the configuration; the same on all pods.'),
          state: z
            .enum(['ok', 'last-good', 'broken'])
            .describe('`last-good`: the file cannot be used as it is, and the agent is as it was before.'),
          brokenSince: z.number().int().optional().describe('Unix time in milliseconds.'),
          problems: z.array(z.string()).describe('What is wrong with the file: field, and what is allowed.'),
        }),
      )
      .describe('Those of files; of a backend they are not known in advance.'),
    default: z.string().describe('The agent of sessions that name none.'),
    backend: z
      .object({
        away: z.boolean().describe('It failed of late and is left alone for a moment; what is cached is used.'),
        cached: z.number().int().describe('Configurations at hand.'),
      })
      .optional()
      .describe('Absent without `AGENT_CONFIG_URL`.'),
  })
  .meta({ id: 'Agents' });

/** `GET /v2/agents`: which agents this pod has, and what is wrong with them. */
export const agentsRoutes = ({ agents, apiKeys }: { agents: Agents; apiKeys: readonly string[] }): Router => {
  const router = new Router();
  router.get('/v2/agents', requireApiKey(apiKeys), (ctx) => reply(ctx, 200, agentList, describeAgents(agents)));
  return router;
};

const describeAgents = (agents: Agents): z.input<typeof agentList> => {
  const { fileStates, defaultName, backendState } = agents;
  const list = fileStates.map(({ file, agent, problems, brokenSinceMs }) => ({
    file,
    ...(agent && {
      name: agent.definition.name,
      description: agent.definition.description,
      version: agent.version,
    }),
    state: brokenSinceMs === undefined ? ('ok' as const) : agent ? ('last-good' as const) : ('broken' as const),
    ...(brokenSinceMs !== undefined && { brokenSince: brokenSinceMs }),
    problems: [...problems],
  }));
  return { agents: list, default: defaultName, ...(backendState && { backend: backendState }) };
};
