/** The entry of the thread that runs tools of `agents/*.ts`: calls their functions, and answers with what they return. */
import { parentPort } from 'node:worker_threads';
import type { VariableValues } from '../agent/agent-variables.ts';
import type { ToolErrorCode } from './tool-error.ts';

/** What a function is given beside its arguments. */
export type CodeToolContext = {
  /** Of the session. */
  variables: VariableValues;
  /** Those that the tool names. */
  secrets: Readonly<Record<string, string>>;
  /** Names this call once and for all, for a server that is to do a thing once. */
  callKey: string;
};

/** The function itself. `signal` aborts when nobody waits for its result any more. */
export type RunCodeTool = (
  args: Record<string, unknown>,
  context: CodeToolContext & { signal: AbortSignal },
) => unknown;

export type ToCodeThread =
  | { type: 'load'; module: string }
  | {
      type: 'run';
      id: number;
      module: string;
      name: string;
      args: Record<string, unknown>;
      context: CodeToolContext;
    }
  | { type: 'stop'; id: number };

export type FromCodeThread =
  | { type: 'begun'; id: number }
  | { type: 'done'; id: number; json: string }
  | { type: 'failed'; id: number; code: ToolErrorCode; message: string }
  | { type: 'stopped'; id: number }
  | { type: 'fault'; about: string };

/** The model reads all of it, and the caller waits for that. */
const MAX_RESULT_CHARACTERS = 65_536;

const port = parentPort;
if (!port) throw new Error('media/tools/code-tool-thread.ts runs as a worker thread only');
const post = (message: FromCodeThread): void => port.postMessage(message);
const running = new Map<number, AbortController>();

port.on('message', (message: ToCodeThread) => {
  if (message.type === 'load') load(message.module).catch((error: unknown) => fault(message.module, 'load', error));
  else if (message.type === 'stop') stop(message.id);
  else void run(message);
});

function stop(id: number): void {
  running.get(id)?.abort();
  running.delete(id);
  post({ type: 'stopped', id });
}

async function run({ id, module, name, args, context }: Extract<ToCodeThread, { type: 'run' }>): Promise<void> {
  const over = new AbortController();
  running.set(id, over);
  const failed = (code: ToolErrorCode, message: string) => post({ type: 'failed', id, code, message });
  try {
    const call = functionOf(await load(module), name);
    if (over.signal.aborted) return;
    if (!call) return failed('failed', 'The tool is not set up: it has no function.');
    post({ type: 'begun', id });
    const json = asJson(await call(args, { ...context, signal: over.signal }));
    if (json === undefined) failed('unreadable', 'The tool gave back what is no JSON.');
    else if (json.length > MAX_RESULT_CHARACTERS) failed('too_large', 'The tool gave back too much.');
    else post({ type: 'done', id, json });
  } catch (error) {
    if (!over.signal.aborted) fault(module, name, error);
    failed('failed', 'The tool failed.');
  } finally {
    running.delete(id);
  }
}

async function load(module: string): Promise<Record<string, unknown>> {
  return (await import(module)) as Record<string, unknown>;
}

function functionOf(exported: Record<string, unknown>, name: string): RunCodeTool | undefined {
  const agent = (exported['agent'] ?? exported['default']) as { tools?: unknown } | undefined;
  if (!Array.isArray(agent?.tools)) return undefined;
  const found = (agent.tools as { name?: unknown; run?: unknown }[]).find((tool) => tool.name === name);
  return typeof found?.run === 'function' ? (found.run.bind(found) as RunCodeTool) : undefined;
}

function asJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value ?? null);
  } catch {
    return undefined;
  }
}

/** For the operator: the kind of error and its line in the author's file. */
function fault(module: string, name: string, error: unknown): void {
  const file = new URL(module).pathname.split('/').at(-1) ?? '';
  const kind = error instanceof Error ? error.name : 'what is no error';
  const line = error instanceof Error ? /:(\d+):\d+/.exec((error.stack ?? '').split(file)[1] ?? '')?.[1] : undefined;
  post({ type: 'fault', about: `tool ${name} of ${file} threw ${kind}${line === undefined ? '' : `, line ${line}`}` });
}
