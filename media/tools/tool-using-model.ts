/**
 * A language model together with its tools, in the place of a model alone: what it calls is run, and it is asked again with
 * the results, until it has said what it has to say.
 */
import type {
  LanguageModel,
  LanguageModelPart,
  LanguageModelRequest,
  ModelMessage,
  ToolCall,
} from '../providers/provider.ts';
import { unlessAborted } from '../runtime/unless-aborted.ts';
import { resultMessage, type ToolOutcome } from './tool-ledger.ts';
import type { ToolRunner } from './tool-runner.ts';

export type ToolUsingModelOptions = {
  model: LanguageModel;
  runner: ToolRunner;
  turnId: string;
  /** Rejects when the signal aborts. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /**
   * Waited for before a tool runs: resolves when it is certain that the turn is over and this its answer. Without it that
   * is so from the start.
   */
  mayRun?: Promise<void>;
  /** Times that tools are run and the model is asked again. More: a model that goes in circles does so for longer. Default 6. */
  maxRounds?: number;
  /** Silence for tools after which something is said. Default 1,200 ms: callers take two seconds for a lost line. */
  fillerAfterMs?: number;
  /** Said then, in this order, each once a reply; after the last one nothing. */
  fillers?: readonly string[];
};

const MAX_ROUNDS = 6;
const FILLER_AFTER_MS = 1_200;
/** The second one comes after the first has been spoken and a while has gone by. */
const NEXT_FILLER_AFTER_MS = 5_000;
/** The model has spoken before it called: that takes about this long for the caller to hear. */
const HEARD_MS_PER_CHARACTER = 65;
const FILLERS = ['One moment, please.', 'I am still working on it.'];

type InvalidCall = Extract<LanguageModelPart, { type: 'invalid-tool-call' }>;
type Asked = { calls: ToolCall[]; invalid: InvalidCall[]; characters: number; finish: LanguageModelPart | undefined };
type Usage = { inputTokens: number; outputTokens: number };

export class ToolUsingModel implements LanguageModel {
  readonly #options: ToolUsingModelOptions;
  #fillers: readonly string[];
  readonly #said = new Set<string>();

  constructor(options: ToolUsingModelOptions) {
    this.#options = options;
    this.#fillers = options.fillers ?? FILLERS;
  }

  get name(): string {
    return this.#options.model.name;
  }

  /** Text as it comes, with words that fill the time of slow tools; the usage of all rounds; and how the last one finished. */
  async *generate(request: LanguageModelRequest, signal: AbortSignal): AsyncIterable<LanguageModelPart> {
    const { model, runner, maxRounds = MAX_ROUNDS } = this.#options;
    const messages: ModelMessage[] = [...request.messages];
    const usage: Usage = { inputTokens: 0, outputTokens: 0 };
    let spoken = 0;
    for (let round = 0; ; round++) {
      // In the last round there is nothing left to call: it has to say what it has found.
      const tools = round < maxRounds ? runner.declarations : [];
      const asked: Asked = { calls: [], invalid: [], characters: 0, finish: undefined };
      const asks = { ...request, messages, ...(tools.length > 0 && { tools }) };
      yield* this.#listen(model.generate(asks, signal), asked, usage);
      if (signal.aborted) return;
      spoken += asked.characters;
      const called = asked.calls.length + asked.invalid.length;
      if (tools.length === 0 || called === 0) return yield* ending(usage, asked);
      if (asked.characters > 0) yield { type: 'text', text: '\n' };
      const results = yield* this.#run(asked, signal);
      if (!results) return;
      // It has taken its leave: asked again, it would do so again.
      if (spoken > 0 && called === 1 && asked.calls.some(({ name }) => runner.endsReply(name))) {
        return yield* ending(usage, asked);
      }
      messages.push(...results);
    }
  }

  async *#listen(
    parts: AsyncIterable<LanguageModelPart>,
    asked: Asked,
    usage: Usage,
  ): AsyncIterable<LanguageModelPart> {
    for await (const part of parts) {
      switch (part.type) {
        case 'text':
          asked.characters += part.text.trim().length;
          yield part;
          break;
        case 'tool-call':
          asked.calls.push({ id: part.id, name: part.name, arguments: part.arguments });
          break;
        case 'invalid-tool-call':
          asked.invalid.push(part);
          break;
        case 'usage':
          usage.inputTokens += part.inputTokens;
          usage.outputTokens += part.outputTokens;
          break;
        case 'finish':
          asked.finish = part;
      }
    }
  }

  /** @returns what the model is told of its calls; undefined where nobody waits for the reply any more */
  async *#run({ calls, invalid, characters }: Asked, signal: AbortSignal) {
    const { runner, turnId, mayRun } = this.#options;
    try {
      if (mayRun) await unlessAborted(mayRun, signal);
    } catch {
      // Given up before the turn was over: nothing has been run.
      return undefined;
    }
    if (signal.aborted) return undefined;
    const running = Promise.all(calls.map((call) => runner.run(turnId, call, signal)));
    const fillers = this.#fillersOf(calls);
    const outcomes = yield* this.#fill(running, fillers, characters * HEARD_MS_PER_CHARACTER, signal);
    if (!outcomes) return undefined;
    return exchanged(calls, outcomes, invalid);
  }

  /** The first one may be a tool's own words. */
  #fillersOf(calls: readonly ToolCall[]): readonly string[] {
    const words = calls.map(({ name }) => this.#options.runner.fillerOf(name));
    const own = words.find((filler) => filler !== undefined && !this.#said.has(filler));
    return own === undefined ? this.#fillers : [own, ...this.#fillers.slice(1)];
  }

  async *#fill(
    running: Promise<ToolOutcome[]>,
    fillers: readonly string[],
    heardMs: number,
    signal: AbortSignal,
  ): AsyncGenerator<LanguageModelPart, ToolOutcome[] | undefined> {
    let waitMs = (this.#options.fillerAfterMs ?? FILLER_AFTER_MS) + heardMs;
    for (const filler of fillers) {
      const outcomes = await this.#within(running, waitMs, signal);
      if (signal.aborted) return undefined;
      if (outcomes) return outcomes;
      this.#fillers = this.#fillers.slice(1);
      this.#said.add(filler);
      // A line of its own is a clause, and is spoken at once.
      if (filler) yield { type: 'text', text: `${filler}\n` };
      waitMs = NEXT_FILLER_AFTER_MS;
    }
    return await unlessAborted(running, signal).catch(() => undefined);
  }

  async #within(running: Promise<ToolOutcome[]>, ms: number, signal: AbortSignal): Promise<ToolOutcome[] | undefined> {
    const over = new AbortController();
    const time = this.#options.sleep(ms, AbortSignal.any([signal, over.signal])).then(
      () => undefined,
      () => undefined,
    );
    try {
      return await Promise.race([running, time]);
    } finally {
      over.abort();
    }
  }
}

function* ending(usage: Usage, { finish }: Asked): Generator<LanguageModelPart, void> {
  yield { type: 'usage', ...usage };
  if (finish) yield finish;
}

function exchanged(
  calls: ToolCall[],
  outcomes: readonly ToolOutcome[],
  invalid: readonly InvalidCall[],
): ModelMessage[] {
  const failed = invalid.map(({ id, name, problem }) => ({ call: { id, name, arguments: {} }, problem }));
  return [
    { role: 'tool-calls', calls: [...calls, ...failed.map(({ call }) => call)] },
    ...calls.map((call, index) => resultMessage(call, outcomes[index]!)),
    ...failed.map(({ call, problem }) =>
      resultMessage(call, { error: { code: 'invalid_arguments', message: problem } }),
    ),
  ];
}
