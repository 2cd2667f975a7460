/** What lines of a transcript carry beside their words: how their turn went, and what was decided in it. Pure. */
import type { CallEvent } from './call-events.ts';
import type { Decision } from './decision.ts';
import type { TurnTimings } from './turn-timings.ts';

/** Decisions kept for a line; a caller who makes noises for minutes makes more. */
const MAX_DECISIONS = 50;

export class TurnLog {
  #decisions: Decision[] = [];

  note(event: CallEvent): void {
    if (event.name === 'decision' && this.#decisions.length < MAX_DECISIONS) this.#decisions.push(event.data);
  }

  /** A line of the agent with its times, a final one also with what led to it; any other event as it is. */
  complete(event: CallEvent, timings: TurnTimings | undefined): CallEvent {
    if (event.name !== 'transcript') return event;
    const { data } = event;
    const measured = data.role === 'agent' && timings;
    const decisions = data.final ? this.#decisions : [];
    if (data.final) this.#decisions = [];
    return {
      name: 'transcript',
      data: { ...data, ...(measured && { timings }), ...(decisions.length > 0 && { decisions }) },
    };
  }
}
