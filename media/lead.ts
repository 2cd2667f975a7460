/** Whether a call speaks in its session, or another pod does and it listens only; and the way from one to the other. */
import { CallerHeard } from './caller-heard.ts';
import type { ConversationEvent, ConversationSnapshot } from './conversation-events.ts';
import { courseOf, type Course } from './conversation-restore.ts';
import { HandOver, PAUSE_MS } from './hand-over.ts';
import type { Playout } from './playout.ts';

export class Lead {
  readonly #heard = new CallerHeard();
  #leads: boolean;
  #handOver: HandOver | undefined;

  constructor(leads: boolean) {
    this.#leads = leads;
  }

  /** Keeps what is heard of the caller. @returns whether the conversation here is to be told of it. */
  note(event: ConversationEvent): boolean {
    this.#heard.note(event);
    return this.#leads;
  }

  get isHandingOver(): boolean {
    return this.#handOver !== undefined;
  }

  handOver(withinMs: number, nowMs: number): void {
    this.#handOver = new HandOver(nowMs, withinMs);
  }

  /** Whether the voice is to stop now. @param atRest neither is the caller in a turn nor is a reply awaited */
  isDue(atRest: boolean, playout: Playout, nowMs: number): boolean {
    const { speech, position, audible } = playout;
    const isPause = () => !audible || !speech || speech.pauseAt(position, PAUSE_MS);
    const complete = !speech || speech.ended;
    return this.#leads && this.#handOver !== undefined && this.#handOver.isDue({ atRest, isPause, complete }, nowMs);
  }

  /** The voice is to stop: nothing is told from now on. */
  giveUp(): void {
    this.#leads = false;
  }

  /** Once, when the voice that was given up has gone silent. */
  hasHandedOver(isSilent: boolean): boolean {
    if (this.#leads || !this.#handOver || !isSilent) return false;
    this.#handOver = undefined;
    return true;
  }

  /**
   * Speaks from now on. @returns how the conversation goes on from the snapshot; undefined where it led already.
   * @param shiftMs what has to be added to session times, since they count from elsewhere now
   */
  take(conversation: ConversationSnapshot, shiftMs: number): { course: Course; ready: boolean } | undefined {
    this.#handOver = undefined;
    if (this.#leads) return undefined;
    this.#leads = true;
    const { ready } = this.#heard;
    return { course: ready ? courseOf(conversation, this.#heard.meanwhile(shiftMs)) : { type: 'none' }, ready };
  }
}
