import type { Statistics } from '../../client-sdk/src/types.ts';

/** Beyond it, words go missing in spite of repetition and concealment. */
const poorLoss = 0.05;
/** A share of the time in which the browser had to invent speech; from here on it is plainly heard. */
const poorConcealment = 0.1;
/** Answers come noticeably late from here on, and cutting in is clumsy. */
const poorRoundTripMs = 600;
/** A share of less than this many packets says nothing: through silence few are sent. */
const enoughPackets = 10;
/** So many good looks in a row end it, so that the words on the page do not flicker. */
const looksToRecover = 3;

type Figures = Pick<Statistics, 'roundTripMs' | 'packetsReceived' | 'packetsLost' | 'concealedMs'>;

/** Tells whether the line is so poor that people should know. Pure: figures and times come in. */
export class LineQuality {
  poor = false;
  #last: { figures: Figures; atMs: number } | undefined;
  #goodLooks = 0;

  /** @returns whether it is poor now, by what has happened since the last look */
  look(figures: Figures, atMs: number): boolean {
    const last = this.#last;
    this.#last = { figures, atMs };
    // Counts that fall are those of another connection.
    if (!last || since(last.figures, figures, 'packetsReceived') < 0) return this.poor;
    const poor = isPoor(last.figures, figures, atMs - last.atMs);
    this.#goodLooks = poor ? 0 : this.#goodLooks + 1;
    if (poor) this.poor = true;
    else if (this.#goodLooks >= looksToRecover) this.poor = false;
    return this.poor;
  }

  /** Another call begins. */
  reset(): void {
    this.poor = false;
    this.#last = undefined;
    this.#goodLooks = 0;
  }
}

function isPoor(before: Figures, now: Figures, elapsedMs: number): boolean {
  const lost = since(before, now, 'packetsLost');
  const packets = lost + since(before, now, 'packetsReceived');
  if (packets >= enoughPackets && lost / packets >= poorLoss) return true;
  if (since(before, now, 'concealedMs') >= poorConcealment * elapsedMs) return true;
  return (now.roundTripMs ?? 0) >= poorRoundTripMs;
}

function since(before: Figures, now: Figures, name: keyof Figures): number {
  return (now[name] ?? 0) - (before[name] ?? 0);
}
