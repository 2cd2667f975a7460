/** What is kept of a call for whoever goes on with its conversation, and when that is told. */
import type { CallOptions } from './call-options.ts';
import { continuationOf, type Continuation } from './conversation/continuation.ts';
import type { ConversationSnapshot } from './conversation/conversation-events.ts';
import type { ToolRecord } from './tools/tool-ledger.ts';

export class CallContinuations {
  readonly #keep: CallOptions['onContinuation'];
  readonly #elapsedMs: () => number;
  /** What was done with tools, as the voice worker last told. */
  tools: ToolRecord;
  #told = '';

  /** @param elapsedMs session time */
  constructor({ onContinuation, restored }: Pick<CallOptions, 'onContinuation' | 'restored'>, elapsedMs: () => number) {
    this.#keep = onContinuation;
    this.#elapsedMs = elapsedMs;
    this.tools = restored?.tools ?? [];
  }

  of(conversation: ConversationSnapshot): Continuation {
    return continuationOf(conversation, this.tools, this.#elapsedMs(), Date.now());
  }

  /** Tells how the conversation stands, where that is news. */
  note(conversation: ConversationSnapshot): void {
    const told = JSON.stringify(conversation);
    if (told === this.#told) return;
    this.#told = told;
    void this.#keep(this.of(conversation));
  }

  /** @returns whether whoever goes on would find it */
  async noteTools(tools: ToolRecord, conversation: ConversationSnapshot | undefined): Promise<boolean> {
    this.tools = tools;
    return conversation !== undefined && (await this.#keep(this.of(conversation)));
  }
}
