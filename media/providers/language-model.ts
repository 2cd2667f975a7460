/**
 * Language models through the Vercel AI SDK: one stream format for all vendors. The SDK's own retries are off (a retry
 * costs the turn; the stage takes the next provider instead), and so are its timeouts, which end a stream without saying
 * which of them did.
 */
import type { ModelMessage as SdkMessage, TextStreamPart, ToolSet } from 'ai';
import { Deadline, DEFAULT_TIMEOUTS, type VendorTimeouts } from './deadline.ts';
import { DEFAULT_MAX_OUTPUT_TOKENS } from './defaults.ts';
import { ProviderError } from './errors.ts';
import { lowestReasoning, type LanguageModelAccess, type ReasoningEffort, sdkModel } from './language-model-vendors.ts';
import type {
  LanguageModel,
  LanguageModelPart,
  LanguageModelRequest,
  ModelMessage,
  ToolDeclaration,
} from './provider.ts';
import { lostConnection, vendorFetch } from './vendor-fetch.ts';

export type LanguageModelOptions = {
  access: LanguageModelAccess;
  /** As the vendor names it; unknown names are passed on. */
  model: string;
  /** Default 1,024. A reply that reaches it ends with the reason `length`. */
  maxOutputTokens?: number;
  /** Default: the vendor's. Models that reason may ignore or refuse it. */
  temperature?: number;
  /** Default: the lowest that the model takes. */
  reasoningEffort?: ReasoningEffort;
  timeouts?: VendorTimeouts;
};

type Part = TextStreamPart<ToolSet>;

export class VendorLanguageModel implements LanguageModel {
  readonly name: string;
  readonly #options: LanguageModelOptions;
  readonly #timeouts: Required<VendorTimeouts>;
  #model: ReturnType<typeof sdkModel> | undefined;

  constructor(options: LanguageModelOptions) {
    this.name = `${options.access.vendor}/${options.model}`;
    this.#options = options;
    this.#timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  }

  /**
   * Yields what the model says as it comes. Ends, without an error, when `signal` aborts; the connection is dropped then.
   * @throws ProviderError
   */
  async *generate(request: LanguageModelRequest, signal: AbortSignal): AsyncGenerator<LanguageModelPart> {
    if (signal.aborted) return;
    const deadline = new Deadline(this.name, signal);
    try {
      const stream = await this.#stream(request, deadline);
      const { firstResultMs, stallMs } = this.#timeouts;
      deadline.expect('first_result_timed_out', firstResultMs, 'its first token');
      for await (const part of stream) {
        if (signal.aborted) return;
        const found = this.#partOf(part, deadline);
        if (!found) continue;
        // The consumer may take its time: only the vendor's is counted.
        deadline.pause();
        yield* found;
        if (signal.aborted) return;
        deadline.expect('stalled', stallMs, 'its next token');
      }
      if (deadline.missed) throw deadline.missed;
    } catch (error) {
      if (signal.aborted) return;
      throw deadline.missed ?? this.#failure(error);
    } finally {
      deadline.close();
    }
  }

  async #stream(request: LanguageModelRequest, deadline: Deadline): Promise<AsyncIterable<Part>> {
    const { streamText } = await import('ai');
    // It prints its warnings to the console unless told otherwise.
    globalThis.AI_SDK_LOG_WARNINGS = false;
    const { access, maxOutputTokens, temperature, reasoningEffort, model } = this.#options;
    const reasoning = reasoningEffort ?? lowestReasoning(access.vendor, model);
    const result = streamText({
      model: await this.#sdkModel(),
      messages: request.messages.filter(saysSomething).map(sdkMessage),
      // Instructions come from the agent's configuration, never from what a caller said.
      allowSystemInMessages: true,
      maxRetries: 0,
      maxOutputTokens: maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS,
      abortSignal: deadline.signal,
      // Otherwise OpenAI keeps what callers say for 30 days, and sends summaries of reasoning that nobody reads.
      providerOptions: { openai: { store: false, reasoningSummary: null } },
      // It would print errors to the console; they are thrown below.
      onError: () => undefined,
      ...(temperature !== undefined && { temperature }),
      ...(reasoning && { reasoning }),
      ...(request.tools?.length && { tools: await sdkTools(request.tools) }),
    });
    return result.stream;
  }

  #sdkModel(): ReturnType<typeof sdkModel> {
    const fetch = vendorFetch({ provider: this.name, connectMs: this.#timeouts.connectMs });
    this.#model ??= sdkModel(this.#options.access, this.#options.model, fetch);
    return this.#model;
  }

  /** What a part of the SDK's means to us; undefined where it means nothing. */
  #partOf(part: Part, deadline: Deadline): LanguageModelPart[] | undefined {
    switch (part.type) {
      case 'text-delta':
        return part.text ? [{ type: 'text', text: part.text }] : undefined;
      case 'reasoning-delta':
      case 'tool-input-delta':
        // Nothing to tell, but the model is at work.
        return [];
      case 'tool-call': {
        const { toolCallId: id, toolName: name } = part;
        if (!part.invalid) return [{ type: 'tool-call', id, name, arguments: part.input }];
        const problem = part.error instanceof Error ? part.error.message : String(part.error);
        return [{ type: 'invalid-tool-call', id, name, problem }];
      }
      case 'finish':
        return this.#ending(part);
      case 'error':
        throw this.#failure(part.error);
      case 'abort':
        throw deadline.missed ?? lostConnection(this.name, part.reason);
      default:
        return undefined;
    }
  }

  #ending({ finishReason, rawFinishReason, totalUsage }: Extract<Part, { type: 'finish' }>): LanguageModelPart[] {
    // The response ended in good order, but the model's reply had not: a proxy gave up, for one.
    if (finishReason === 'interrupted' || (finishReason === 'other' && rawFinishReason === undefined))
      throw lostConnection(this.name, new Error('the reply has no end'));
    if (finishReason === 'error') {
      throw new ProviderError('vendor_failed', 'the model failed while it answered', { provider: this.name });
    }
    const { inputTokens, outputTokens } = totalUsage;
    return [
      { type: 'usage', inputTokens: inputTokens ?? 0, outputTokens: outputTokens ?? 0 },
      { type: 'finish', reason: finishReason },
    ];
  }

  #failure(error: unknown): ProviderError {
    for (let cause = error; cause instanceof Error; cause = cause.cause) {
      if (cause instanceof ProviderError) return cause;
      if (/JSONParseError|TypeValidationError|InvalidResponseDataError/.test(cause.name)) {
        return new ProviderError('malformed_response', cause.message.slice(0, 200), { provider: this.name, cause });
      }
      if (cause instanceof TypeError && cause.message === 'terminated') return lostConnection(this.name, cause);
    }
    // An error that the vendor sent within the stream, as overloaded ones do.
    const message = error instanceof Error ? error.message : JSON.stringify(error);
    return new ProviderError('vendor_failed', message.slice(0, 500), { provider: this.name, cause: error });
  }
}

/** Vendors refuse messages without text, and a reply of which nothing was heard is one. */
function saysSomething(message: ModelMessage): boolean {
  return !('text' in message) || message.text.trim() !== '';
}

function sdkMessage(message: ModelMessage): SdkMessage {
  switch (message.role) {
    case 'system':
    case 'user':
      return { role: message.role, content: message.text };
    case 'agent':
      return { role: 'assistant', content: message.text };
    case 'tool-calls':
      return {
        role: 'assistant',
        content: message.calls.map(({ id, name, arguments: input }) => {
          return { type: 'tool-call' as const, toolCallId: id, toolName: name, input };
        }),
      };
    case 'tool-result': {
      const value = (message.result ?? null) as string;
      const output = message.failed ? ({ type: 'error-json', value } as const) : ({ type: 'json', value } as const);
      const result = { type: 'tool-result' as const, toolCallId: message.callId, toolName: message.name, output };
      return { role: 'tool', content: [result] };
    }
  }
}

/** Declared without a way to run them: the calls come back as parts. */
async function sdkTools(tools: readonly ToolDeclaration[]): Promise<ToolSet> {
  const { jsonSchema, tool } = await import('ai');
  const named = tools.map(({ name, description, parameters }) => {
    return [name, tool({ description, inputSchema: jsonSchema(parameters) })] as const;
  });
  // The SDK's type for a set of tools does not take the type of a tool whose input is only known at run time.
  return Object.fromEntries(named) as unknown as ToolSet;
}
