/** The agents of a folder, one YAML file each, checked as a whole when the server starts. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { agent as agentSchema } from '../media/agent.ts';
import type { AgentConfig } from '../media/agent.ts';

/** The agent of a session that names none. */
export const DEFAULT_AGENT = 'parrot';

/** Files that cannot be used. The message names file, field and what is allowed, one problem a line. */
export class AgentFilesInvalid extends Error {
  override readonly name = 'AgentFilesInvalid';
  readonly code = 'invalid_agents';

  constructor(problems: readonly string[]) {
    super(`The agents cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
}

export class AgentNotFound extends Error {
  override readonly name = 'AgentNotFound';
  readonly code = 'agent_not_found';

  constructor(name: string, known: readonly string[]) {
    super(`There is no agent "${name}". Known are: ${known.join(', ')}.`);
  }
}

/** Overrides of one session that would make its agent invalid. */
export class OverridesInvalid extends Error {
  override readonly name = 'OverridesInvalid';
  readonly code = 'invalid_overrides';

  constructor(problems: readonly string[]) {
    super(problems.map((problem) => `overrides.${problem}`).join('; '));
  }
}

/** The known agents. What a session overrides is checked by the same schema as the files. */
export class Agents {
  readonly #agents: ReadonlyMap<string, AgentConfig>;

  constructor(agents: readonly AgentConfig[]) {
    this.#agents = new Map(agents.map((agent) => [agent.name, agent]));
  }

  get names(): string[] {
    return [...this.#agents.keys()];
  }

  /** The agent of a session that names none: the parrot, or where it was taken away the first. */
  get defaultName(): string {
    return this.#agents.has(DEFAULT_AGENT) ? DEFAULT_AGENT : (this.names[0] ?? DEFAULT_AGENT);
  }

  /**
   * The configuration of one session: the agent's, with the session's overrides laid over it.
   * @throws {AgentNotFound}
   * @throws {OverridesInvalid} naming fields and what is allowed.
   */
  resolve(name: string, overrides: Record<string, unknown> = {}): AgentConfig {
    const agent = this.#agents.get(name);
    if (agent === undefined) throw new AgentNotFound(name, this.names);
    const parsed = agentSchema.safeParse(merge(agent, overrides));
    if (!parsed.success) throw new OverridesInvalid(parsed.error.issues.map(describe));
    return parsed.data;
  }
}

/**
 * Reads `*.yaml` and `*.yml` of a folder.
 * @throws {AgentFilesInvalid} naming all that is wrong, in all files.
 */
export const loadAgents = async (folder: string): Promise<Agents> => {
  const problems: string[] = [];
  const agents: AgentConfig[] = [];
  const files = await readdir(folder).catch((error: unknown) => {
    throw new AgentFilesInvalid([`${folder}: cannot be read (${error instanceof Error ? error.message : 'unknown'})`]);
  });
  for (const file of files.filter((name) => /\.ya?ml$/.test(name)).sort()) {
    const read = await readAgent(path.join(folder, file));
    problems.push(...read.problems.map((problem) => `${file}: ${problem}`));
    if (read.agent === undefined) continue;
    const { name } = read.agent;
    if (agents.some((agent) => agent.name === name)) problems.push(`${file}: name "${name}" is taken by another file`);
    agents.push(read.agent);
  }
  if (agents.length === 0 && problems.length === 0) problems.push(`${folder}: has no agent (*.yaml)`);
  if (problems.length > 0) throw new AgentFilesInvalid(problems);
  return new Agents(agents);
};

const readAgent = async (file: string): Promise<{ agent?: AgentConfig; problems: string[] }> => {
  let content: unknown;
  try {
    content = parse(await readFile(file, 'utf8'));
  } catch (error) {
    return { problems: [`is not YAML (${error instanceof Error ? error.message.split('\n')[0] : 'unknown'})`] };
  }
  const parsed = agentSchema.safeParse(content);
  return parsed.success ? { agent: parsed.data, problems: [] } : { problems: parsed.error.issues.map(describe) };
};

/** Lays `over` on `base`: objects field by field, everything else replaced. */
const merge = (base: object, over: object): Record<string, unknown> => {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const former = Object.hasOwn(merged, key) ? merged[key] : undefined;
    merged[key] = isObject(former) && isObject(value) ? merge(former, value) : value;
  }
  return merged;
};

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

type JsonSchema = { properties?: Record<string, JsonSchema>; minimum?: number; maximum?: number };
const jsonSchema = z.toJSONSchema(agentSchema, { io: 'input' }) as JsonSchema;

/** A problem as field and what is allowed. A number's whole range is named, where zod tells only the end it missed. */
const describe = (issue: z.core.$ZodIssue): string => {
  const field = issue.path.map(String).join('.') || 'the file';
  let schema: JsonSchema | undefined = jsonSchema;
  for (const key of issue.path) schema = schema?.properties?.[String(key)];
  const { minimum, maximum } = schema ?? {};
  if (issue.code !== 'custom' && minimum !== undefined && maximum !== undefined) {
    return `${field} must be a number from ${minimum} to ${maximum}`;
  }
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(schema?.properties ?? {}).join(', ');
    return `${field} has no field ${issue.keys.join(', ')}; it may have ${known}`;
  }
  return `${field} ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`;
};
