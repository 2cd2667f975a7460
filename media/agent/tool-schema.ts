/** What an agent may do besides speaking: its tools, as they are declared in its configuration. */
import { z } from 'zod';
import { namesInTemplate } from './template-names.ts';

/** A method, a name and a path leave the host to the author of the agent: no argument can choose whom the server asks. */
const FIXED_HOST = /^https?:\/\/[^/?#{}@\s\\]+(?:[/?]|$)/;
/** The first part of a placeholder that is no variable. */
const SOURCES = new Set(['arguments', 'secrets']);

/** Whether the server can check arguments by it: an object, in the part of JSON schema that is understood here. */
const parameters = z
  .record(z.string(), z.unknown())
  .default({ type: 'object', properties: {} })
  .superRefine((schema, context) => {
    const refuse = (message: string) => context.addIssue({ code: 'custom', message });
    if (schema['type'] !== 'object') return refuse('must be a JSON schema with "type": "object"');
    try {
      z.fromJSONSchema(schema);
    } catch (error) {
      refuse(`cannot be checked against: ${error instanceof Error ? error.message : 'no JSON schema'}`);
    }
  });

const declared = {
  /** What the model calls it by. */
  name: z.string().regex(/^[A-Za-z_][\w-]{0,63}$/, 'must be letters, digits, dashes and underscores'),
  /** Tells the model what it does and when to use it. */
  description: z.string().min(1).max(1024),
  /** JSON schema of the arguments. */
  parameters,
  /** All tries together. Longer: the caller waits longer before the agent tells that it failed. */
  timeoutMs: z.number().int().min(100).max(120_000).default(10_000),
  /** Said when the result is long in coming; in place of the agent's usual words. Empty: nothing is said. */
  filler: z.string().max(200).optional(),
};

/** Whether doing it twice is the same as doing it once. Else it is never tried again, nor stopped in the middle. */
const idempotent = z.boolean();

const templates = z
  .record(z.string().regex(/^[!#$%&'*+.^_`|~\w-]+$/, 'must be a name'), z.string().max(4096))
  .default({});

/** `{{name}}` stands for a variable, `{{arguments.name}}` for an argument, `{{secrets.NAME}}` for a secret. */
const httpTool = z
  .strictObject({
    type: z.literal('http'),
    ...declared,
    method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
    url: z.string().max(2048).regex(FIXED_HOST, 'must be http(s)://host/…, with no placeholder in the host'),
    query: templates,
    headers: templates,
    /** Sent as JSON. A text that is one placeholder takes on the value's own type. Default: the arguments, unless GET. */
    body: z.json().optional(),
    /** Default: GET, PUT and DELETE are, as HTTP has it. */
    idempotent: idempotent.optional(),
    /** Longest answer. The model reads all of it, and the caller waits for that. */
    maxResponseBytes: z.number().int().min(256).max(262_144).default(16_384),
  })
  .transform((tool) => ({ ...tool, idempotent: tool.idempotent ?? ['GET', 'PUT', 'DELETE'].includes(tool.method) }));

/** Runs in the caller's page, with the handler that it registered under this name. */
const clientTool = z.strictObject({ type: z.literal('client'), ...declared, idempotent: idempotent.default(false) });

/** `run` of a tool in an `agents/*.ts`; whoever reads the file fills in its type and address. */
const codeTool = z.strictObject({
  type: z.literal('code'),
  ...declared,
  idempotent: idempotent.default(false),
  /** Names of the secrets that it is given. */
  secrets: z
    .array(z.string().regex(/^[A-Za-z_]\w{0,63}$/, 'must be letters, digits and underscores'))
    .max(32)
    .default([]),
  module: z.url({ protocol: /^file$/ }),
});

const builtIn = z.strictObject({
  type: z.literal('built-in'),
  name: z.enum(['end_call', 'send_text'], { error: 'must be end_call or send_text' }),
});

export const tool = z.discriminatedUnion('type', [httpTool, clientTool, codeTool, builtIn], {
  error: 'must be http, client, code (in an agents/*.ts) or built-in',
});

export const tools = z.array(tool).max(64).default([]).superRefine(refuseTwins);

export type Tool = z.infer<typeof tool>;
export type HttpTool = Extract<Tool, { type: 'http' }>;
export type CodeTool = Extract<Tool, { type: 'code' }>;

/** The names of variables and secrets that a tool's templates use: what has to be declared, and what it must be given. */
export function namesUsedBy(used: Tool): { variables: string[]; secrets: string[] } {
  if (used.type === 'code') return { variables: [], secrets: used.secrets };
  if (used.type !== 'http') return { variables: [], secrets: [] };
  const { url, query, headers, body } = used;
  const names = namesInTemplate([url, query, headers, body]);
  return {
    variables: names.filter((name) => !SOURCES.has(name.split('.')[0] ?? '')),
    secrets: names.filter((name) => name.startsWith('secrets.')).map((name) => name.slice('secrets.'.length)),
  };
}

function refuseTwins(list: readonly { name: string }[], context: z.core.$RefinementCtx): void {
  const seen = new Set<string>();
  for (const [index, { name }] of list.entries()) {
    if (seen.has(name)) context.addIssue({ code: 'custom', path: [index, 'name'], message: 'is declared twice' });
    seen.add(name);
  }
}
