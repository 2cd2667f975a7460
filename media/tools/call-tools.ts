/** The tools of one call: they go with each reply's language model, and what they did is told in later turns, too. */
import { after as realAfter, monotonicMs, sleeper, type After } from '../clock.ts';
import type { Decide } from '../decision.ts';
import type { LanguageModel, Message, ModelMessage } from '../providers/provider.ts';
import type { HttpTool } from '../tool-schema.ts';
import type { HttpTools } from './http-tools.ts';
import type { TemplateValues } from './template.ts';
import { ToolLedger } from './tool-ledger.ts';
import { ToolRunner } from './tool-runner.ts';
import { ToolUsingModel } from './tool-using-model.ts';

export type CallToolsOptions = {
  tools: readonly HttpTool[];
  values: Pick<TemplateValues, 'variables' | 'secrets'>;
  http: Pick<HttpTools, 'run'>;
  /** Told of each tool that was run, with its name and how it went. */
  decide: Decide;
  /** Default: the machine's time. */
  now?: () => number;
  after?: After;
};

export class CallTools {
  readonly #ledger = new ToolLedger();
  readonly #runner: ToolRunner;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<void>;

  constructor({ tools, values, http, decide, now = monotonicMs, after = realAfter }: CallToolsOptions) {
    this.#sleep = sleeper(after);
    this.#runner = new ToolRunner({
      tools,
      ledger: this.#ledger,
      act: (tool, args, { turnId, callId, signal }) =>
        http.run(tool as HttpTool, { ...values, arguments: args }, `${turnId}:${callId}`, signal),
      // None of them does harm when it is done twice: nothing has to be written down before.
      record: () => Promise.resolve(),
      onEvent: (event) => {
        if (event.state !== 'ended') return;
        const { tookMs, error } = event;
        decide('tool', event.name, { tookMs, ...(error !== undefined && { error }) }, now());
      },
      now,
      sleep: this.#sleep,
      // Replies end with their call, and these tools with their reply.
      signal: new AbortController().signal,
    });
  }

  get isWorking(): boolean {
    return this.#runner.isWorking;
  }

  /** @param turnId of the turn that is answered @param mayRun no tool runs before this resolves */
  modelFor(model: LanguageModel, turnId: string, mayRun?: Promise<void>): LanguageModel {
    // The usual words for a silence are the call's own, whatever it comes from.
    const runs = { runner: this.#runner, turnId, sleep: this.#sleep, ...(mayRun && { mayRun }) };
    return new ToolUsingModel({ model, ...runs, fillers: [] });
  }

  /** What was said, with what was done for it in its place. */
  withResults(history: readonly Message[]): ModelMessage[] {
    return history.flatMap((message): ModelMessage[] => {
      const turnId = message.role === 'user' ? message.turnId : undefined;
      return turnId === undefined ? [message] : [message, ...this.#ledger.messagesOf(turnId)];
    });
  }
}
