/** What the conversation decides, put into effects: events in the words of the protocol, and orders. */
import type { CallEvent } from './call-events.ts';
import type { ConversationEffect, EndedBy, Reply } from './conversation-events.ts';
import type { CutOff } from './owed.ts';

export class ConversationEffects {
  #effects: ConversationEffect[] = [];
  #over: { ends?: EndedBy } = {};

  /** Those since the last time. */
  take(): ConversationEffect[] {
    const taken = this.#effects;
    this.#effects = [];
    return taken;
  }

  order(effect: Exclude<ConversationEffect, { type: 'emit' }>): void {
    if (effect.type === 'end') this.#over = { ends: effect.reason };
    this.#effects.push(effect);
  }

  /** Why the call is over, once that was ordered: until it has come to pass, whoever goes on has to bring it about. */
  get over(): { ends?: EndedBy } {
    return this.#over;
  }

  emit(event: CallEvent): void {
    this.#effects.push({ type: 'emit', event });
  }

  /** How the agent stands. @param reply the one under way */
  agentState(reply: Reply | undefined, atMs: number, interruptedAfterMs?: number): void {
    this.emit({
      name: 'agent-state',
      data: {
        state: reply ? (reply.audible ? 'speaking' : 'thinking') : 'listening',
        output: reply?.output ?? 'normal',
        ...(reply && { turnId: reply.request.turnId }),
        ...(interruptedAfterMs !== undefined && { interruptedAfterMs }),
        atMs: Math.round(atMs),
      },
    });
  }

  /** All has been said. @param ends the call, then, for this reason; else the agent listens */
  nothingOwed(ends: EndedBy | undefined, atMs: number): void {
    if (ends) this.order({ type: 'end', reason: ends });
    else this.agentState(undefined, atMs);
  }

  /** @param estimated how much of it was heard is a guess */
  agentText({ request, startMs }: Reply, text: string, final: boolean, nowMs: number, estimated?: true): void {
    if (!text) return;
    const line = { turnId: request.turnId, role: 'agent', text, final, startMs, endMs: nowMs } as const;
    this.transcript({ ...line, ...(estimated && { estimated }) });
  }

  /** A break cut a reply off: what was heard of it is written down. */
  cutOff({ replyTurnId, heard }: CutOff): void {
    if (replyTurnId !== undefined && heard) {
      this.transcript({ turnId: replyTurnId, role: 'agent', final: true, ...heard });
    }
  }

  transcript(entry: Extract<CallEvent, { name: 'transcript' }>['data']): void {
    const { startMs, endMs } = entry;
    this.emit({ name: 'transcript', data: { ...entry, startMs: Math.round(startMs), endMs: Math.round(endMs) } });
  }
}
