/** Answers with a language model: what was said so far goes in, and what it writes is said as it comes. */
import type { CallMemory } from '../voice-call/call-memory.ts';
import type { CallTools } from '../tools/call-tools.ts';
import type { LanguageModel, Message, ProviderFault, ReplyPart, Responder, TurnInput } from './provider.ts';
import { SPOKEN_STYLE } from './spoken-reply.ts';

export type LlmResponderOptions = {
  model: LanguageModel;
  /** Who the agent is. */
  prompt: string;
  /** What it may do besides speaking. */
  tools?: CallTools | undefined;
  /** What it knows of a conversation that has become long. */
  memory?: CallMemory | undefined;
};

export class EmptyReplyError extends Error implements ProviderFault {
  override readonly name = 'EmptyReplyError';
  readonly code = 'empty_reply';
  readonly retryable = true;
}

/** Told before what the caller said then, and never in the agent's own lines: models copy what they find in those. */
export const CUT_OFF_NOTE = '[The caller cut in. Your words before this were heard up to about there.]';

export class LlmResponder implements Responder {
  readonly writes = true;
  readonly #options: LlmResponderOptions;

  constructor(options: LlmResponderOptions) {
    this.#options = options;
  }

  /**
   * Answers what `history` ends with. Ends, without an error, when `signal` aborts.
   * @throws StageExhaustedError when no model can answer
   * @throws EmptyReplyError when it had nothing to say and did not end the call: a caller would wait for ever
   */
  async *respond(turn: TurnInput, history: readonly Message[], signal: AbortSignal): AsyncGenerator<ReplyPart> {
    const { prompt, tools, memory } = this.#options;
    const { turnId, speculative } = turn;
    const model = tools?.modelFor(this.#options.model, turnId, speculative?.whenConfirmed) ?? this.#options.model;
    const beginning = memory?.summary && `What was said before, in short:\n${memory.summary}`;
    const system = [prompt, SPOKEN_STYLE, beginning].filter(Boolean).join('\n\n');
    const said = noted(history);
    const told = memory?.given(said) ?? tools?.withResults(said) ?? said;
    const messages = [{ role: 'system', text: system } as const, ...told];
    let answered = false;
    for await (const part of model.generate({ messages, ...(speculative && { speculative }) }, signal)) {
      if (part.type !== 'text') continue;
      answered ||= part.text.trim() !== '';
      yield { type: 'text', text: part.text };
    }
    // While it is being said: the longest time until the next turn.
    memory?.consider(said);
    if (answered || signal.aborted || tools?.endsWith(turn.turnId)) return;
    throw new EmptyReplyError(`${model.name} answered without a word`);
  }
}

/** Where an answer was cut off and its end is a guess, the model is told so. */
function noted(history: readonly Message[]): Message[] {
  return history.map((message, index) => {
    if (message.role === 'agent') return { role: 'agent', text: message.text };
    const before = history[index - 1];
    const cutOff = message.role === 'user' && before?.role === 'agent' && before.estimated === true;
    return cutOff ? { ...message, text: `${CUT_OFF_NOTE} ${message.text}` } : message;
  });
}
