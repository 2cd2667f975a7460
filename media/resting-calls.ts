/** Conversations whose callers have been away for long: their calls are closed, and opened again when somebody joins. */
import { monotonicMs } from './runtime/clock.ts';
import type { RestoredConversation } from './conversation/continuation.ts';

type Resting = { conversation: RestoredConversation; sinceMs: number };

export class RestingCalls {
  readonly #resting = new Map<string, Resting>();

  keep(callId: string, conversation: RestoredConversation): void {
    this.#resting.set(callId, { conversation, sinceMs: monotonicMs() });
  }

  /** What the call goes on from; the time of its session has gone on. */
  get(callId: string): RestoredConversation | undefined {
    const resting = this.#resting.get(callId);
    if (!resting) return undefined;
    const { conversation, sinceMs } = resting;
    return { ...conversation, elapsedMs: conversation.elapsedMs + monotonicMs() - sinceMs };
  }

  forget(callId: string): void {
    this.#resting.delete(callId);
  }
}
