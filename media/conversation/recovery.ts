/** What the agent says where something failed, so that the caller never hears silence for good. Pure. */
import type { EndedBy, ReplyRequest } from './conversation-events.ts';
import type { Texts } from '../languages/language.ts';

/** Tries in a row to hear again before the call is ended: they take some 4 s. Fewer: a short outage ends calls. */
const DEAF_TRIES = 3;
/** Turns in a row that came to nothing before the call is ended. */
const HOPELESS = 2;

export class Recovery {
  readonly #texts: Texts;
  #failedTurns = 0;
  #deaf = 0;

  constructor(texts: Texts) {
    this.#texts = texts;
  }

  /** An answer was heard to its end. */
  replied(): void {
    this.#failedTurns = 0;
  }

  /** Words were understood. */
  understood(): void {
    this.#deaf = 0;
  }

  /** @param heard something of the reply was heard @param exhausted nobody is left who could answer */
  replyFailed(request: ReplyRequest, heard: boolean, exhausted: boolean): ReplyRequest {
    const { turnId } = request;
    if (request.kind === 'answer' && !request.again && !heard) return { ...request, again: true };
    this.#failedTurns++;
    const triedAgain = request.kind === 'answer' && request.again === true;
    return this.#failedTurns >= HOPELESS || (exhausted && triedAgain)
      ? this.#farewell(turnId)
      : say(turnId, this.#texts.apology);
  }

  /** No recogniser is left. @param inARow times without a word in between */
  recogniserFailed(inARow: number): void {
    this.#deaf = inARow;
  }

  /** What is to be said of that, once. */
  takeDeafness(newTurnId: () => string): ReplyRequest | undefined {
    const inARow = this.#deaf;
    this.#deaf = 0;
    if (inARow === 0) return undefined;
    return inARow > DEAF_TRIES ? this.#farewell(newTurnId()) : say(newTurnId(), this.#texts.cannotHear);
  }

  #farewell(turnId: string): ReplyRequest {
    return say(turnId, this.#texts.farewell, 'failed');
  }
}

/** Words that are known. @param ends the call is over with them */
export function say(turnId: string, text: string, ends?: EndedBy): ReplyRequest {
  return { kind: 'repeat', turnId, text, ...(ends && { ends }) };
}
