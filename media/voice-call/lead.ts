/** Whether a call speaks in its session, or another pod does and it listens only; and the way from one to the other. */
import { CallerHeard } from '../hearing/caller-heard.ts';
import type { ConversationEvent } from '../conversation/conversation-events.ts';
import { courseOf, type Course } from '../conversation/conversation-restore.ts';
import { HandOver, PAUSE_MS } from '../conversation/hand-over.ts';
import type { Playout } from '../speech/playout.ts';
import type { TakeOver } from '../workers/voice-protocol.ts';

/** How a call goes on that has been taken over. */
export type Taken = { order: TakeOver; course: Course; ready: boolean };

/** Another pod may have noticed speech sooner by this much: by the network's delay, and by what DTX left out before. */
const HEARD_LATER_MS = 250;

export class Lead {
  readonly #heard = new CallerHeard();
  #leads: boolean;
  #handOver: HandOver | undefined;
  #taking: { order: TakeOver; latestMs: number } | undefined;

  constructor(leads: boolean) {
    this.#leads = leads;
  }

  /** Keeps what is heard of the caller. @returns whether the conversation here is to be told of it. */
  note(event: ConversationEvent): boolean {
    this.#heard.note(event);
    return this.#leads;
  }

  get leads(): boolean {
    return this.#leads;
  }

  get isHandingOver(): boolean {
    return this.#handOver !== undefined;
  }

  handOver(withinMs: number, nowMs: number): void {
    this.#handOver = new HandOver(nowMs, withinMs);
  }

  /**
   * Whether the voice is to stop now.
   * @param atRest neither is the caller in a turn nor is a reply awaited
   * @param working a tool runs, whose outcome the next pod would not know
   */
  isDue(atRest: boolean, working: boolean, playout: Playout, nowMs: number): boolean {
    const { speech, position, audible } = playout;
    const isPause = () => !audible || !speech || speech.pauseAt(position, PAUSE_MS);
    const complete = (!speech || speech.ended) && !working;
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

  /** Speaks as soon as `taken` says so; where it led already, it goes on. */
  takeOver(order: TakeOver, nowMs: number): void {
    this.#handOver = undefined;
    if (!this.#leads) this.#taking = { order, latestMs: nowMs + HEARD_LATER_MS };
  }

  /**
   * Once, when it is time to speak: at once, but where the caller was in the midst of a turn that is not heard here yet.
   * @param startedAtMs what session times were counted from so far
   */
  taken(startedAtMs: number, nowMs: number): Taken | undefined {
    if (!this.#taking) return undefined;
    const { order, latestMs } = this.#taking;
    const { ready } = this.#heard;
    const heard = this.#heard.meanwhile(startedAtMs - order.startedAtMs);
    const course: Course = ready ? courseOf(order.conversation, heard) : { type: 'none' };
    if (ready && order.conversation.speaking && course.type === 'none' && nowMs < latestMs) return undefined;
    this.#taking = undefined;
    this.#leads = true;
    return { order, course, ready };
  }
}
