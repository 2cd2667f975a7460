/** Runs the tools that a model asks for, in one call: checked, once each, in time, and with an outcome in every case. */
import { z } from 'zod';
import type { ToolCall, ToolDeclaration } from '../providers/provider.ts';
import type { Tool } from '../agent/tool-schema.ts';
import { unlessAborted } from '../runtime/unless-aborted.ts';
import { ToolError } from './tool-error.ts';
import type { ToolLedger, ToolOutcome } from './tool-ledger.ts';

/** What a tool does, by its kind. Rejects with a ToolError, or with anything where it broke. */
export type ToolAction = (tool: Tool, args: Record<string, unknown>, run: ToolRun) => Promise<unknown>;
export type ToolRun = { turnId: string; callId: string; signal: AbortSignal };

export type ToolEvent = { turnId: string; callId: string; name: string; kind: Tool['type'] } & (
  { state: 'started' } | { state: 'ended'; tookMs: number; error?: string }
);

export type ToolRunnerOptions = {
  tools: readonly Tool[];
  ledger: ToolLedger;
  act: ToolAction;
  /**
   * Resolves when what the ledger has is where another pod would find it, to whether it is. Waited for before what cannot
   * be undone; asked for again with each outcome.
   */
  record: () => Promise<boolean>;
  /** Told of every tool that runs; never of its arguments or result. */
  onEvent: (event: ToolEvent) => void;
  /** Time of the session in ms. */
  now: () => number;
  /** Rejects when the signal aborts. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** The conversation's end: what does no harm is stopped, and what needs the caller's page; all else runs to its end. */
  signal: AbortSignal;
};

/** A store that is away is known to be after less. Whatever has not been recorded by then is not done. */
const RECORD_WITHIN_MS = 5_000;
/** As many problems of arguments as a model can mend at once. */
const MAX_PROBLEMS = 5;

const BUILT_INS: Record<string, Omit<ToolDeclaration, 'name'>> = {
  end_call: {
    description: 'Ends the call once you have finished speaking. Say goodbye first.',
    parameters: { type: 'object', properties: {}, additionalProperties: false },
  },
  send_text: {
    description: "Shows a text on the caller's screen: what is read more easily than heard, as an address or a number.",
    parameters: {
      type: 'object',
      properties: { text: { type: 'string', minLength: 1, maxLength: 4000 } },
      required: ['text'],
      additionalProperties: false,
    },
  },
};
const BUILT_IN_TIMEOUT_MS = 5_000;

export class ToolRunner {
  readonly #options: ToolRunnerOptions;
  readonly #tools: ReadonlyMap<string, { tool: Tool; declaration: ToolDeclaration; schema: z.ZodType }>;
  /** Those that run, by turn and call: whoever asks again waits for the same outcome. */
  readonly #running = new Map<string, Promise<ToolOutcome>>();

  constructor(options: ToolRunnerOptions) {
    this.#options = options;
    this.#tools = new Map(options.tools.map((tool) => [tool.name, prepared(tool)]));
  }

  /** What the model is told that there is. */
  get declarations(): ToolDeclaration[] {
    return Array.from(this.#tools.values(), ({ declaration }) => declaration);
  }

  /** Some tool runs. */
  get isWorking(): boolean {
    return this.#running.size > 0;
  }

  /** What is said when this tool takes long; undefined: the usual words. */
  fillerOf(name: string): string | undefined {
    const tool = this.#tools.get(name)?.tool;
    return tool && 'filler' in tool ? tool.filler : undefined;
  }

  /** With this one there is nothing left for the model to do but to have said what it says. */
  endsReply(name: string): boolean {
    return name === 'end_call' && this.#tools.get(name)?.tool.type === 'built-in';
  }

  /**
   * Never rejects. A call that was run before has the outcome of then. One that a break cut off is not run again in its
   * turn, whatever id the model that is asked anew gives it: only the caller can want it a second time.
   * @param signal nobody waits for the reply any more: what does no harm is stopped, all else runs to its end
   */
  async run(turnId: string, call: ToolCall, signal: AbortSignal): Promise<ToolOutcome> {
    const key = `${turnId} ${call.id}`;
    const { ledger } = this.#options;
    const known = ledger.find(turnId, call.id)?.outcome ?? ledger.unknownOf(turnId, call);
    if (known) return known;
    const running = this.#running.get(key) ?? this.#start(turnId, call, signal);
    this.#running.set(key, running);
    try {
      return await running;
    } finally {
      this.#running.delete(key);
    }
  }

  async #start(turnId: string, call: ToolCall, signal: AbortSignal): Promise<ToolOutcome> {
    const found = this.#tools.get(call.name);
    if (!found) return failure(new ToolError('unknown_tool', `There is no tool ${call.name}.`));
    const checked = found.schema.safeParse(call.arguments ?? {});
    if (!checked.success) return failure(invalid(checked.error));
    const { ledger, now, onEvent, record } = this.#options;
    const { tool } = found;
    const startedMs = now();
    const about = { turnId, callId: call.id, name: call.name, kind: tool.type };
    ledger.started(turnId, call, isIdempotent(tool), startedMs);
    onEvent({ ...about, state: 'started' });
    const outcome = await this.#attempt(tool, checked.data as Record<string, unknown>, about, signal);
    ledger.ended(turnId, call.id, outcome, now());
    // Nobody waits for it: where it is lost, whoever goes on says that it may have been done.
    void record().catch(() => undefined);
    const error = 'error' in outcome ? outcome.error.code : undefined;
    onEvent({ ...about, state: 'ended', tookMs: Math.round(now() - startedMs), ...(error && { error }) });
    return outcome;
  }

  async #attempt(
    tool: Tool,
    args: Record<string, unknown>,
    { turnId, callId }: Omit<ToolRun, 'signal'>,
    replySignal: AbortSignal,
  ): Promise<ToolOutcome> {
    const { act, signal: ended } = this.#options;
    const over = new AbortController();
    const idempotent = isIdempotent(tool);
    const mayStop = idempotent || tool.type === 'client';
    const signal = AbortSignal.any([over.signal, ...(mayStop ? [ended] : []), ...(idempotent ? [replySignal] : [])]);
    const timeoutMs = 'timeoutMs' in tool ? tool.timeoutMs : BUILT_IN_TIMEOUT_MS;
    try {
      if (!idempotent) await this.#recorded(AbortSignal.any([signal, ended, replySignal]));
      signal.throwIfAborted();
      this.#expire(timeoutMs, over);
      return { result: (await unlessAborted(act(tool, args, { turnId, callId, signal }), signal)) ?? null };
    } catch (error) {
      return failure(signal.aborted ? stopped(signal.reason, idempotent) : error);
    } finally {
      over.abort();
    }
  }

  #expire(timeoutMs: number, over: AbortController): void {
    const late = new ToolError('timed_out', `The tool did not answer within ${timeoutMs} ms.`);
    this.#options.sleep(timeoutMs, over.signal).then(
      () => over.abort(late),
      () => undefined,
    );
  }

  /** @throws {ToolError} where it is not to be done: it could not be recorded, or nobody waits for it any more */
  async #recorded(given: AbortSignal): Promise<void> {
    const { record, sleep } = this.#options;
    const over = new AbortController();
    const late = sleep(RECORD_WITHIN_MS, over.signal).then(
      () => false,
      () => false,
    );
    try {
      const kept = await unlessAborted(Promise.race([record(), late]), given);
      if (!kept) throw new ToolError('not_recorded', 'It was not done: it could not be noted down before.');
    } catch (error) {
      if (given.aborted)
        throw new ToolError('interrupted', 'It was not done: the caller spoke or left before it began.');
      throw error instanceof ToolError
        ? error
        : new ToolError('not_recorded', 'It was not done: it could not be noted.');
    } finally {
      over.abort();
    }
  }
}

function prepared(tool: Tool) {
  const builtIn = tool.type === 'built-in' ? BUILT_INS[tool.name] : tool;
  if (!builtIn || !('parameters' in builtIn)) throw new Error(`there is no built-in tool ${tool.name}`);
  const { description, parameters } = builtIn;
  const schema = z.fromJSONSchema(parameters);
  return { tool, declaration: { name: tool.name, description, parameters }, schema };
}

/** Built-ins are told to the client by this server: ending twice ends once, and a text that is shown stays so. */
function isIdempotent(tool: Tool): boolean {
  return tool.type === 'built-in' ? tool.name === 'end_call' : tool.idempotent;
}

function stopped(reason: unknown, idempotent: boolean): unknown {
  if (!(reason instanceof ToolError)) return new ToolError('interrupted', 'The tool was stopped before it answered.');
  if (idempotent) return reason;
  return new ToolError('timed_out', `${reason.message} It may have been done or not.`);
}

function invalid({ issues }: z.ZodError): ToolError {
  const problems = issues
    .slice(0, MAX_PROBLEMS)
    .map(({ path, message }) => `${path.map(String).join('.') || 'all'}: ${message}`);
  return new ToolError('invalid_arguments', problems.join('; '));
}

/** What broke in the author's own code is told by its kind alone: its message may hold anything. */
function failure(error: unknown): ToolOutcome & { error: object } {
  if (!(error instanceof ToolError)) return { error: { code: 'failed', message: 'The tool failed.' } };
  const { code, message, status, detail } = error;
  return {
    error: { code, message, ...(status !== undefined && { status }), ...(detail !== undefined && { detail }) },
  };
}
