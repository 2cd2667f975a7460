/**
 * Tools that are functions of an `agents/*.ts`. The voice worker imports the file: what they hold between calls is one
 * worker's own, and one that computes for long keeps the calls of its thread waiting.
 */
import type { CodeTool } from '../tool-schema.ts';
import { ToolError } from './tool-error.ts';
import type { TemplateValues } from './template.ts';
import type { ToolRun } from './tool-runner.ts';

/** What a function is given beside its arguments. */
export type CodeToolContext = Pick<TemplateValues, 'variables' | 'secrets'> & { callKey: string; signal: AbortSignal };

type Run = (args: Record<string, unknown>, context: CodeToolContext) => unknown;

/** Results are copied, so that nobody changes them later and nothing but JSON is told to the model. */
const MAX_RESULT_CHARACTERS = 65_536;

/**
 * @returns what the function returns, as JSON has it
 * @throws {ToolError} where there is no such function, or its result is none; whatever the function throws
 */
export async function runCodeTool(
  { module, name }: CodeTool,
  args: Record<string, unknown>,
  context: CodeToolContext,
  { signal }: ToolRun,
): Promise<unknown> {
  signal.throwIfAborted();
  const run = await importRun(module, name);
  const text = JSON.stringify((await run(args, context)) ?? null) as string | undefined;
  if (text === undefined) throw new ToolError('unreadable', 'The tool gave back what is no JSON.');
  if (text.length > MAX_RESULT_CHARACTERS) throw new ToolError('too_large', 'The tool gave back too much.');
  return JSON.parse(text) as unknown;
}

async function importRun(module: string, name: string): Promise<Run> {
  const exported = (await import(module)) as Record<string, { tools?: unknown } | undefined>;
  const tools = (exported['agent'] ?? exported['default'])?.tools;
  const found = Array.isArray(tools)
    ? (tools as { name?: unknown; run?: unknown }[]).find((one) => one.name === name)
    : undefined;
  if (typeof found?.run !== 'function') throw new ToolError('failed', 'The tool is not set up: it has no function.');
  return found.run.bind(found) as Run;
}
