/**
 * What lines of a transcript carry beside their words: how their turn went, what was decided in it, and which tools were
 * run. Pure.
 */
import type { CallEvent } from './call-events.ts';
import type { Decision } from '../turn/decision.ts';
import type { ToolUse } from '../tools/tool-use.ts';
import type { TurnTimings } from './turn-timings.ts';

/** Decisions kept for a line; a caller who makes noises for minutes makes more. */
const MAX_DECISIONS = 50;
/** Tools kept for a line: more than a model may call in a turn, unless it calls many at once. */
const MAX_TOOLS = 20;

export class TurnLog {
  #decisions: Decision[] = [];
  #tools: ToolUse[] = [];

  note(event: CallEvent): void {
    if (event.name === 'decision' && this.#decisions.length < MAX_DECISIONS) this.#decisions.push(event.data);
  }

  toolUsed(use: ToolUse): void {
    if (this.#tools.length < MAX_TOOLS) this.#tools.push(use);
  }

  /** A line of the agent with its times, a final one also with what led to it; any other event as it is. */
  complete(event: CallEvent, timings: TurnTimings | undefined): CallEvent {
    if (event.name !== 'transcript') return event;
    const { data } = event;
    const measured = data.role === 'agent' && timings;
    const [decisions, tools] = data.final ? [this.#decisions, this.#tools] : [[], []];
    if (data.final) [this.#decisions, this.#tools] = [[], []];
    return {
      name: 'transcript',
      data: {
        ...data,
        ...(measured && { timings }),
        ...(decisions.length > 0 && { decisions }),
        ...(tools.length > 0 && { tools }),
      },
    };
  }
}
