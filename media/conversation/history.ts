/** What was said so far, as a responder is given it: what is final of both sides, the agent's as far as it was heard. */
import type { CallEvent } from './call-events.ts';
import type { Message } from '../providers/provider.ts';

/** Messages kept: hours of short ones. Fewer: they would be forgotten before `memory.ts` has them summarised. */
const MAX_MESSAGES = 2_000;

export class ConversationHistory {
  readonly #messages: Message[];

  constructor(messages: readonly Message[]) {
    this.#messages = messages.slice(-MAX_MESSAGES);
  }

  note(event: CallEvent): void {
    if (event.name !== 'transcript' || !event.data.final) return;
    const { role, text, turnId, estimated } = event.data;
    this.#messages.push(role === 'user' ? { role, text, turnId } : { role, text, ...(estimated && { estimated }) });
    if (this.#messages.length > MAX_MESSAGES) this.#messages.shift();
  }

  /** A copy: a reply goes by what had been said when it began. */
  messages(): Message[] {
    return this.#messages.slice();
  }
}
