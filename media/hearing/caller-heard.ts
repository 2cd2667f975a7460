/** What was heard of the caller lately, and whether there is one: for a call that stands by and will have to go on. */
import type { ConversationEvent, EndedTurn, HeardMeanwhile } from '../conversation/conversation-events.ts';

export class CallerHeard {
  #ready = false;
  #speech: { startMs: number; speaking: boolean } | undefined;
  #turn: EndedTurn | undefined;

  /** The caller can hear and, if at all, be heard. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Told of everything that the conversation is, or would be, told of. */
  note(event: ConversationEvent): void {
    switch (event.type) {
      case 'client-ready':
        this.#ready = true;
        return;
      case 'client-gone':
        this.#ready = false;
        this.#speech = undefined;
        return;
      case 'speech-started':
        this.#speech = { startMs: this.#speech?.startMs ?? event.startMs, speaking: true };
        return;
      case 'speech-stopped':
        if (this.#speech) this.#speech.speaking = false;
        return;
      case 'turn-ended':
        this.#speech = undefined;
        this.#turn = event.turn;
        return;
      default:
    }
  }

  /** @param shiftMs what has to be added to the times, since the session counts otherwise now */
  meanwhile(shiftMs: number): HeardMeanwhile {
    const speech = this.#speech;
    const turn = this.#turn;
    return {
      ...(speech && { speech: { ...speech, startMs: speech.startMs + shiftMs } }),
      ...(turn && {
        turn: { ...turn, startMs: turn.startMs + shiftMs, endOfSpeechMs: turn.endOfSpeechMs + shiftMs },
      }),
    };
  }
}
