/** From what a file or a backend says of an agent to its checked definition, or to all that is wrong with it. Pure. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { agent as agentSchema } from '../media/agent/agent.ts';
import type { AgentDefinition } from '../media/agent/agent.ts';
import type { VariableValues } from '../media/agent/agent-variables.ts';
import { namesUsedBy } from '../media/agent/tool-schema.ts';

/** By name. */
export type Secrets = Readonly<Record<string, string>>;

export type LoadedAgent = {
  readonly definition: AgentDefinition;
  /** Tells one state of a definition from another, on all pods alike. Nothing can be learnt from it. */
  readonly version: string;
};

/** A definition, or problems: each names a field and what is allowed, never what was written there. */
export type Checked = { agent: LoadedAgent; problems?: undefined } | { agent?: undefined; problems: string[] };

/**
 * @param secrets those that the server has, beside the definition's own
 * @param mayRunCode it comes from a file of the operator's own that is code: others must not name files to be run
 */
export const checkDefinition = (content: unknown, secrets: Secrets, mayRunCode = false): Checked => {
  if (!mayRunCode && hasCodeTools(content)) {
    return { problems: ['tools of the type code can be declared in an agents/*.ts alone, each with its function run'] };
  }
  const parsed = agentSchema.safeParse(content);
  if (!parsed.success) return { problems: parsed.error.issues.map(describe) };
  const definition = parsed.data;
  const { webhook } = definition;
  if (webhook && secretOf(definition, webhook.secret, secrets) === undefined) {
    return { problems: [`webhook.secret must name a secret that there is: add it to AGENT_SECRETS`] };
  }
  const missing = secretsOfTools(definition).filter((name) => secretOf(definition, name, secrets) === undefined);
  if (missing.length > 0) {
    return { problems: missing.map((name) => `tools use a secret ${name} that there is not: add it to AGENT_SECRETS`) };
  }
  return { agent: { definition, version: versionOf(definition) } };
};

const hasCodeTools = (content: unknown): boolean =>
  isObject(content) &&
  'tools' in content &&
  Array.isArray(content.tools) &&
  content.tools.some((tool: unknown) => isObject(tool) && 'type' in tool && tool.type === 'code');

/** What a definition's tools are filled with. */
export const toolValuesOf = (definition: AgentDefinition, variables: VariableValues, secrets: Secrets) => ({
  variables,
  secrets: Object.fromEntries(
    secretsOfTools(definition).map((name) => [name, secretOf(definition, name, secrets) ?? '']),
  ),
});

const secretsOfTools = ({ tools }: AgentDefinition): string[] => [
  ...new Set(tools.flatMap((tool) => namesUsedBy(tool).secrets)),
];

/** A secret's value: the definition's own, or the server's. */
export const secretOf = ({ secrets: own }: AgentDefinition, name: string, secrets: Secrets): string | undefined => {
  if (Object.hasOwn(own, name)) return own[name];
  return Object.hasOwn(secrets, name) ? secrets[name] : undefined;
};

/** Lays `over` on `base`: objects field by field, everything else replaced. */
export const merge = (base: object, over: object): Record<string, unknown> => {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over) as [string, unknown][]) {
    const former = Object.hasOwn(merged, key) ? merged[key] : undefined;
    // Assigning would set the prototype for one name; defining sets none.
    const next = isObject(former) && isObject(value) ? merge(former, value) : value;
    Object.defineProperty(merged, key, { value: next, enumerable: true, configurable: true, writable: true });
  }
  return merged;
};

export const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const versionOf = (definition: AgentDefinition): string => {
  const shown = JSON.stringify({ ...definition, secrets: undefined });
  return createHash('sha256').update(shown).digest('hex').slice(0, 12);
};

type JsonSchema = {
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  minimum?: number;
  maximum?: number;
};
const jsonSchema = z.toJSONSchema(agentSchema, { io: 'input' }) as JsonSchema;

/** A problem as field and what is allowed. A number's whole range is named, where zod tells only the end it missed. */
export const describe = (issue: z.core.$ZodIssue): string => {
  const field = issue.path.map(String).join('.') || 'the file';
  let schema: JsonSchema | undefined = jsonSchema;
  for (const key of issue.path) schema = fieldOf(schema, String(key));
  const { minimum, maximum } = schema ?? {};
  if (issue.code !== 'custom' && minimum !== undefined && maximum !== undefined) {
    return `${field} must be a number from ${minimum} to ${maximum}`;
  }
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(schema?.properties ?? {}).join(', ');
    return `${field} has no field ${issue.keys.join(', ')}; it may have ${known}`;
  }
  if (issue.code === 'invalid_value') return `${field} must be ${oneOf(issue.values.map(String))}`;
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) {
    return `${field} is missing; it must be a ${issue.expected}`;
  }
  return `${field} ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`;
};

const oneOf = (values: string[]): string =>
  values.length > 1 ? `${values.slice(0, -1).join(', ')} or ${values.at(-1)}` : values.join('');

const fieldOf = (schema: JsonSchema | undefined, key: string): JsonSchema | undefined => {
  const { properties = {}, additionalProperties } = schema ?? {};
  if (Object.hasOwn(properties, key)) return properties[key];
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
};
