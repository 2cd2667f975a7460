/** Replies begun ahead, in a call of a journal with other settings: which are begun, used and discarded. Pure. */
import type { PreemptiveGenerationOptions } from '../agent/agent.ts';
import type { ReplyRequest } from '../conversation/conversation-events.ts';
import type { Heard, SpeculationAction } from '../turn/speculation.ts';
import { makePart } from './journal-parts.ts';
import type { RecogniserEvent } from './what-if-inputs.ts';

export type SpeculationDecision = { atMs: number; what: 'speculate' | 'use' | 'discard'; turnId: string };

/** As `Speculator`, without a voice: what it begins never fails. Times are the worker's clock in ms. */
export class SimulatedSpeculation {
  readonly #speculation;
  readonly #answerable: () => string | undefined;
  readonly #note: (decision: SpeculationDecision) => void;
  #running: { turnId: string; begunMs: number; accepted: boolean } | undefined;

  /** @param answerable the turn of the caller that would be answered if it ended now */
  constructor(
    options: PreemptiveGenerationOptions,
    answerable: () => string | undefined,
    note: (decision: SpeculationDecision) => void,
  ) {
    this.#speculation = makePart('speculation', options);
    this.#answerable = answerable;
    this.#note = note;
  }

  recognised(event: RecogniserEvent, text: string, atMs: number): void {
    const heard: Heard = event.type === 'turn' ? event.event : event.type;
    this.#act(this.#speculation.recognised(heard, text, this.#answerable() !== undefined, atMs), atMs);
  }

  window(silenceMs: number, atMs: number): void {
    this.#act(this.#speculation.window(silenceMs, this.#answerable() !== undefined, atMs), atMs);
  }

  turnEnded(text: string, atMs: number): void {
    this.#act(this.#speculation.turnEnded(text), atMs);
  }

  /** @returns how long before it was ordered this reply was begun; 0 where it was not */
  take({ kind, turnId }: ReplyRequest, atMs: number): number {
    const running = this.#running;
    if (!running?.accepted || kind !== 'answer' || turnId !== running.turnId) {
      this.poll(atMs);
      return 0;
    }
    this.#running = undefined;
    this.#note({ what: 'use', turnId, atMs });
    return atMs - running.begunMs;
  }

  /** Gives up what nobody will ask for any more. */
  poll(atMs: number): void {
    const running = this.#running;
    if (!running || (!running.accepted && this.#answerable() === running.turnId)) return;
    this.#act(this.#speculation.unanswered(), atMs);
    this.#discard(atMs);
  }

  #act(actions: readonly SpeculationAction[], atMs: number): void {
    for (const action of actions) {
      const turnId = this.#answerable();
      if (action.do === 'discard') this.#discard(atMs);
      else if (action.do === 'begin' && turnId !== undefined) {
        this.#running = { turnId, begunMs: atMs, accepted: false };
        this.#note({ what: 'speculate', turnId, atMs });
      } else if (action.do === 'use' && this.#running) this.#running.accepted = true;
    }
  }

  #discard(atMs: number): void {
    const running = this.#running;
    this.#running = undefined;
    if (running) this.#note({ what: 'discard', turnId: running.turnId, atMs });
  }
}
