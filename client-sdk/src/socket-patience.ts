/** A report is sent when nothing of the agent arrives, so a server that does not answer it is dead as far as is known. */
const reportMs = 1000;
/** From opening the socket to `hello`, where it is likely that another attempt lands on another server. */
const helloMs = 1500;
/** So many attempts are given up that early. After them the network is slow rather than the server dead. */
const hurriedAttempts = 3;
/** The first connection of a page has nothing to compare with, and a mobile network that wakes up may take two seconds. */
const firstHelloMs = 3000;
const longestMs = 5000;
/** How many times longer than the last time an answer may take before it is missed. */
const tolerance = 4;

/** How long to wait for a server that may be dead: short where it was quick before, longer on a slow network. Pure. */
export class SocketPatience {
  #helloTookMs: number | undefined;
  #reportTookMs = 0;
  #unanswered = 0;

  /** @param attempt 0 for the first since the connection was lost */
  helloTimeoutMs(attempt: number): number {
    if (attempt >= hurriedAttempts) return longestMs;
    if (this.#helloTookMs === undefined) return attempt === 0 ? firstHelloMs : longestMs;
    return within(helloMs, tolerance * this.#helloTookMs);
  }

  /** Twice as long after each report in vain: on a network this slow a new socket would do no better. */
  get reportTimeoutMs(): number {
    return within(reportMs * 2 ** this.#unanswered, tolerance * this.#reportTookMs);
  }

  helloCame(afterMs: number): void {
    this.#helloTookMs = afterMs;
  }

  reportAnswered(afterMs: number): void {
    this.#reportTookMs = afterMs;
    this.#unanswered = 0;
  }

  reportUnanswered(): void {
    this.#unanswered = Math.min(this.#unanswered + 1, 3);
  }
}

function within(leastMs: number, wantedMs: number): number {
  return Math.min(longestMs, Math.max(leastMs, wantedMs));
}
